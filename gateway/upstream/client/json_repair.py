"""Bytes that are not quite JSON: read all the same, as long as they have its structure.

A byte order mark is passed over, and so is what follows the value. A byte that is not of the encoding, or half a
surrogate pair, becomes U+FFFD, which says in its place that something was there. A number that JSON does not have
(NaN, Infinity, 1e999) is ODD.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import Any, NamedTuple

BYTE_ORDER_MARK = "\ufeff"
REPLACEMENT = "\ufffd"
# Of an integer: more than any number that is exchanged, and few enough to be read at once.
MOST_DIGITS = 400


class Odd:
    """Stands for a value that cannot be read."""


ODD = Odd()


class Step(NamedTuple):
    """The last step of the way to a value; the text of it is made only where something is told."""

    before: Step | None
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
    """`paths` are those of texts with characters that were replaced; `has_odd`: some number is ODD."""

    raw: Any = None
    paths: list[str] = field(default_factory=list)
    has_odd: bool = False


def repaired(body: bytes) -> Repaired:
    """Raises ValueError for what has not the structure of JSON, and RecursionError."""
    found = Repaired()

    def odd(_: str) -> Odd:
        found.has_odd = True
        return ODD

    def real(text: str) -> float | Odd:
        return number if math.isfinite(number := float(text)) else odd(text)

    def integer(text: str) -> int | Odd:
        return int(text) if len(text) <= MOST_DIGITS else odd(text)

    text = body.decode(json.detect_encoding(body), "replace").lstrip(BYTE_ORDER_MARK)
    # Not strict: a line break within a text is no reason to lose the rest.
    decoder = json.JSONDecoder(strict=False, parse_constant=odd, parse_float=real, parse_int=integer)
    raw, _ = decoder.raw_decode(text.lstrip())
    found.raw = _whole(raw, None, found)
    return found


def _whole(value: Any, step: Step | None, found: Repaired) -> Any:
    """`value` with texts that can be encoded."""
    if isinstance(value, str):
        return value if value.isascii() else _text(value, step, found)
    if isinstance(value, list):
        return [_whole(part, Step(step, at), found) for at, part in enumerate(value)]
    if isinstance(value, dict):
        return {_text(key, None, found): _whole(part, Step(step, key), found) for key, part in value.items()}
    return value


def _text(text: str, step: Step | None, found: Repaired) -> str:
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if REPLACEMENT in whole and step is not None:
        found.paths.append(step.path)
    return whole
