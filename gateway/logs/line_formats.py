"""The two forms of a log line: logfmt for people and machines, and JSON. Both are one line of ASCII for any values.

A field without a value is left out. Text of strangers cannot end a line or begin a field: in logfmt it is quoted as
soon as it has a blank, a quote, an equals sign or a control character, and then escaped as in JSON.
"""

from __future__ import annotations

import enum
import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Protocol, TypeAlias

import msgspec

Pair: TypeAlias = tuple[str, object]
PLAIN = re.compile(r"[!#-<>-~]+")  # printable ASCII without blank, quote and equals sign
DIGITS = 6  # of a fraction


class LogFormat(enum.StrEnum):
    TEXT = "text"
    JSON = "json"


class LineFormat(Protocol):
    """A form: a line is `opening`, its pairs with `separator` between them, and `closing`.

    `around` returns what stands before and after a value that needs no quotes in logfmt: a number if `is_number`.
    """

    opening: str
    separator: str
    closing: str

    def pair(self, name: str, value: object) -> str: ...

    def around(self, name: str, *, is_number: bool = False) -> tuple[str, str]: ...


class Logfmt:
    opening, separator, closing = "", " ", "\n"

    def pair(self, name: str, value: object) -> str:
        text = _text(value)
        return f"{name}={text if PLAIN.fullmatch(text) else json.dumps(text)}"

    def around(self, name: str, *, is_number: bool = False) -> tuple[str, str]:
        return f"{name}=", ""


class JsonLines:
    opening, separator, closing = "{", ",", "}\n"

    def pair(self, name: str, value: object) -> str:
        return f'"{name}":{json.dumps(value)}'

    def around(self, name: str, *, is_number: bool = False) -> tuple[str, str]:
        quote = "" if is_number else '"'
        return f'"{name}":{quote}', quote


FORMATS: Mapping[LogFormat, LineFormat] = {LogFormat.TEXT: Logfmt(), LogFormat.JSON: JsonLines()}


def line(form: LineFormat, pairs: Iterable[Pair]) -> str:
    """Return the line of `pairs`."""
    return f"{form.opening}{joined(form, pairs)}{form.closing}"


def joined(form: LineFormat, pairs: Iterable[Pair]) -> str:
    """Return `pairs` as they stand in a line, with those left out that have no value."""
    values = ((name, _plain(value)) for name, value in pairs)
    return form.separator.join(form.pair(name, value) for name, value in values if value is not None and value != [])


def _plain(value: object) -> Any:
    """Return a value of JSON's types for `value`."""
    match value:
        case enum.Enum():
            return value.value
        case float():
            return round(value, DIGITS)
        case None | str() | int():
            return value
        case tuple() | list():
            return [_plain(each) for each in value]
        case _:
            members = msgspec.to_builtins(value).items()
            return {name: _plain(each) for name, each in members if each is not None}


def time_text(seconds: float) -> str:
    """Return Unix seconds in UTC by RFC 3339, with milliseconds."""
    whole, milliseconds = divmod(int(seconds * 1_000), 1_000)
    return f"{_second_text(whole)}.{milliseconds:03d}Z"


@lru_cache(maxsize=4)
def _second_text(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _text(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case float():
            return f"{value:.{DIGITS}f}".rstrip("0").rstrip(".")
        case list():
            return ("; " if any(isinstance(each, dict) for each in value) else ",").join(map(_text, value))
        case dict():
            return " ".join(f"{name}={_text(each)}" for name, each in value.items())
        case _:
            return str(value)
