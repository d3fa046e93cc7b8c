"""Repair of malformed JSON that still has the structure of JSON.

A byte order mark and anything after the value are ignored. A byte that is invalid in the encoding, or half a surrogate
pair, becomes U+FFFD, which marks the loss in its place. A number that JSON does not have (NaN, Infinity, 1e999) is ODD.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import Any, NamedTuple

BYTE_ORDER_MARK = "\ufeff"
REPLACEMENT = "\ufffd"
# Digits of an integer: more than any upstream sends, and few enough that a body of them is parsed as fast as one of
# usual numbers.
MOST_DIGITS = 1_000


class Odd:
    """A placeholder for a value that cannot be decoded."""


ODD = Odd()


class PathStep(NamedTuple):
    """The last step of the path to a value; the path's text is built only when it is reported."""

    before: PathStep | None
    key: str | int

    @property
    def path(self) -> str:
        keys, step = [self.key], self.before
        while step is not None:
            keys.append(step.key)
            step = step.before
        return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in reversed(keys)).removeprefix(".")


@dataclass(slots=True)
class Repaired:
    """The repaired value. `paths` lead to texts with replaced characters; `has_odd`: some number is ODD."""

    raw: Any = None
    paths: list[str] = field(default_factory=list)
    has_odd: bool = False


def repaired(body: bytes) -> Repaired:
    """Parse and repair `body`. Raises ValueError if it lacks the structure of JSON, and RecursionError."""
    found = Repaired()

    def odd(_: str) -> Odd:
        found.has_odd = True
        return ODD

    def real(text: str) -> float | Odd:
        return number if math.isfinite(number := float(text)) else odd(text)

    def integer(text: str) -> int | Odd:
        return int(text) if len(text) <= MOST_DIGITS else odd(text)

    text = body.decode(json.detect_encoding(body), "replace").lstrip(BYTE_ORDER_MARK)
    # Not strict: an unescaped line break in a text must not lose the rest.
    decoder = json.JSONDecoder(strict=False, parse_constant=odd, parse_float=real, parse_int=integer)
    raw, _ = decoder.raw_decode(text.lstrip())
    found.raw = _repair(raw, None, found)
    return found


def _repair(value: Any, step: PathStep | None, found: Repaired) -> Any:
    """Return `value` with only texts that can be encoded."""
    if isinstance(value, str):
        return value if value.isascii() else _repair_text(value, step, found)
    if isinstance(value, list):
        return [_repair(part, PathStep(step, at), found) for at, part in enumerate(value)]
    if isinstance(value, dict):
        return {
            _repair_text(key, None, found): _repair(part, PathStep(step, key), found) for key, part in value.items()
        }
    return value


def _repair_text(text: str, step: PathStep | None, found: Repaired) -> str:
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if REPLACEMENT in whole and step is not None:
        found.paths.append(step.path)
    return whole
