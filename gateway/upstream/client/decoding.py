"""Decoding of JSON responses into models: strict first, then leniently. Bounded in bytes and in values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from gateway.domain.json_values import has_number_beyond, values_in
from gateway.upstream.client.json_repair import MOST_DIGITS, Repaired, repaired
from gateway.upstream.client.lenient_decoding import LenientReader, TooOdd, UndecodableResponse

OnSchemaMismatch = Callable[[tuple[str, ...]], None]
T = TypeVar("T")

# The largest body that is decoded leniently: that takes fifty times as long, and blocks the event loop. A highlight's
# hundred items are a third of it.
LARGEST_ODD = 1_500_000  # bytes
# Values in a response. The largest highlight has some ten thousand.
MOST_VALUES = 200_000


def read_as(decoder: msgspec.json.Decoder[T], body: bytes, on_drift: OnSchemaMismatch | None = None) -> T:
    """Decode `body` with `decoder`, leniently except that lists are not shortened. Raises UndecodableResponse."""
    value = strict(decoder, body)
    if value is None:
        value, paths = lenient(decoder.type, body, shortens=False, by_part=False)
        if on_drift is not None:
            on_drift(tuple(paths))
    return value


def strict(decoder: msgspec.json.Decoder[T], body: bytes) -> T | None:
    """Decode `body` strictly, or return None if it does not match. Raises UndecodableResponse for too many values."""
    if values_in(body, MOST_VALUES) > MOST_VALUES:
        raise UndecodableResponse
    if has_number_beyond(body, MOST_DIGITS):
        return None
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def lenient(kind: Any, body: bytes, *, shortens: bool, by_part: bool) -> tuple[Any, list[str]]:
    """Decode `body` part by part; return the value and the paths of its misfits. Raises UndecodableResponse."""
    if len(body) > LARGEST_ODD:
        raise UndecodableResponse
    try:
        found = _parsed(body)
        reader = LenientReader(shortens=shortens, by_part=by_part or found.has_odd)
        return reader.whole(found.raw, kind), found.paths + reader.paths
    except (ValueError, RecursionError, TooOdd) as exc:
        raise UndecodableResponse from exc


def _parsed(body: bytes) -> Repaired:
    if has_number_beyond(body, MOST_DIGITS):
        return repaired(body)
    try:
        return Repaired(msgspec.json.decode(body))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return repaired(body)
