"""The upstream's JSON as domain models.

The fast path decodes and checks in one pass. An answer that does not fit is read a second time, part by part: a
wrong-typed part that the model can do without becomes null (or the model's default where null is no value), and what it
cannot do without makes the whole answer invalid. Nothing paid for is thrown away for a detail, and nothing is made up.

An answer of nothing but small parts would take a hundred times its size, and one whose every part drifts would take
minutes, on the loop: how many there may be of each is bounded.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

import msgspec
from msgspec.structs import FieldInfo, fields

from gateway.domain.models import Highlight, Item, LoadedHighlight, Profile
from gateway.errors import UpstreamInvalidAnswer
from gateway.upstream.endpoints import Endpoint

Value = tuple[Highlight, ...] | Profile | LoadedHighlight | Item
OnDrift = Callable[[tuple[str, ...]], None]
T = TypeVar("T")

MODELS: dict[Endpoint, Any] = {
    Endpoint.HIGHLIGHT: LoadedHighlight,
    Endpoint.TRAY: tuple[Highlight, ...],
    Endpoint.TRAY_BY_USERNAME: tuple[Highlight, ...],
    Endpoint.PROFILE: Profile,
    Endpoint.PROFILE_BY_USERNAME: Profile,
    Endpoint.ITEM: Item,
}
DECODERS: dict[Endpoint, msgspec.json.Decoder[Any]] = {
    endpoint: msgspec.json.Decoder(model) for endpoint, model in MODELS.items()
}
# Fields with a default that must not stand in for what cannot be read: "no items" would be a lie.
ESSENTIAL = frozenset({(LoadedHighlight, "items")})
# Values in an answer, and parts of it that do not fit. The largest highlight has some ten thousand values.
MOST_VALUES = 200_000
MOST_MISFITS = 10_000


class Unreadable(Exception):
    """A part that can be neither read nor done without."""


class _TooOdd(Exception):
    """More parts than may do not fit."""


class _Losses:
    """The paths of parts that were read as null, and how many parts did not fit as they are."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self._misfits = 0

    def misfit(self) -> None:
        """Raises _TooOdd."""
        self._misfits += 1
        if self._misfits > MOST_MISFITS:
            raise _TooOdd


def read(endpoint: Endpoint, body: bytes, on_drift: OnDrift | None = None) -> Value:
    """The answer of `endpoint` in `body`. Raises UpstreamInvalidAnswer.

    `on_drift` is told the paths of the parts that were read as null, like `items[3].video_duration`.
    """
    try:
        value: Value = read_as(DECODERS[endpoint], body, on_drift)
    except Unreadable as exc:
        raise UpstreamInvalidAnswer(f"The upstream's answer for this {endpoint.noun} could not be read.") from exc
    return value


def read_as(decoder: msgspec.json.Decoder[T], body: bytes, on_drift: OnDrift | None = None) -> T:
    """`body` as what `decoder` makes, as leniently as `read`. Raises Unreadable."""
    if _values(body) > MOST_VALUES:
        raise Unreadable
    try:
        return decoder.decode(body)
    except msgspec.ValidationError:
        return _read_by_part(decoder, body, on_drift)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise Unreadable from exc


def _values(body: bytes) -> int:
    """No fewer than it has: marks within its strings count, too."""
    return 1 + sum(map(body.count, (b",", b"[", b"{"))) if len(body) > MOST_VALUES else 1


def _read_by_part(decoder: msgspec.json.Decoder[T], body: bytes, on_drift: OnDrift | None) -> T:
    lost = _Losses()
    try:
        value: T = _salvage(msgspec.json.decode(body), decoder.type, "", lost)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, _TooOdd) as exc:
        raise Unreadable from exc
    if on_drift is not None:
        on_drift(tuple(lost.paths))
    return value


def _salvage(raw: object, kind: Any, path: str, lost: _Losses) -> Any:
    """`raw` as `kind`, with the paths of unreadable parts in `lost`. Raises Unreadable and _TooOdd."""
    try:
        return msgspec.convert(raw, kind)
    except msgspec.ValidationError:
        lost.misfit()
    for arm in _arms(kind):
        if isinstance(raw, dict) and isinstance(arm, type) and issubclass(arm, msgspec.Struct):
            return _salvage_struct(raw, arm, path, lost)
        if isinstance(raw, list) and get_origin(arm) is tuple:
            entry = get_args(arm)[0]
            return tuple([_salvage(part, entry, f"{path}[{i}]", lost) for i, part in enumerate(raw)])
    raise Unreadable(path)


def _salvage_struct(raw: dict[str, object], kind: type[msgspec.Struct], path: str, lost: _Losses) -> Any:
    values: dict[str, Any] = {}
    for field in _fields(kind):
        here = f"{path}.{field.encode_name}" if path else field.encode_name
        if field.encode_name not in raw:
            if field.required:
                raise Unreadable(here)
            continue
        before = len(lost.paths)
        try:
            values[field.name] = _salvage(raw[field.encode_name], field.type, here, lost)
        except Unreadable:
            if field.required or (kind, field.name) in ESSENTIAL:
                raise
            lost.paths[before:] = [here]
            if type(None) in _arms(field.type):
                values[field.name] = None
    return kind(**values)


@cache
def _fields(kind: type[msgspec.Struct]) -> tuple[FieldInfo, ...]:
    """To make them takes longer than to read a part by them."""
    return fields(kind)


def _arms(kind: Any) -> tuple[Any, ...]:
    return get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
