"""A parser of weighted lists in request headers (RFC 9110, section 12.4). It accepts any value."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

# Separators in quoted strings are ignored. Both expressions take linear time: no character fits two alternatives.
ELEMENTS = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*"?)+')
PIECES = re.compile(r'(?:[^;"]|"(?:[^"\\]|\\.)*"?)+')
WEIGHT = "q"
ESCAPED = re.compile(r"\\(.)")


@dataclass(frozen=True, slots=True)
class Preference:
    """One element of a list. Names are in lower case; the weight is not in `parameters`."""

    name: str
    parameters: tuple[tuple[str, str], ...]
    weight: float


def preferences(header: str) -> Iterator[Preference]:
    for element in ELEMENTS.findall(header):
        pieces = [piece.strip() for piece in PIECES.findall(element)]
        if pieces and pieces[0]:
            parameters = [_parameter(piece) for piece in pieces[1:] if piece]
            weight = min((_weight(value) for name, value in parameters if name == WEIGHT), default=1.0)
            others = tuple(parameter for parameter in parameters if parameter[0] != WEIGHT)
            yield Preference(pieces[0].lower(), others, weight)


def _parameter(piece: str) -> tuple[str, str]:
    name, _, value = (part.strip() for part in piece.partition("="))
    if value.startswith('"'):
        value = ESCAPED.sub(r"\1", value[1:].removesuffix('"'))
    return name.lower(), value


def _weight(value: str) -> float:
    """Return the weight; 0, which means "not acceptable", if it is unreadable."""
    try:
        weight = float(value)
    except ValueError:
        return 0.0
    return max(0.0, min(weight, 1.0)) if math.isfinite(weight) else 0.0
