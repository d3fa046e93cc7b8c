"""The second reading of an answer, part by part: for what does not fit as it is.

A value is read by what it can only mean (`12.0` and `"12"` for an integer, Unix seconds for a date, a date without an
offset as UTC), an id by the other ids beside it. A part that cannot be read becomes null, or the model's default where
null is no value; an entry of a list that cannot be told apart is left out. Whatever was lost is noted in the model and
among the paths. What cannot do without the part is lost with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from types import UnionType
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin

import msgspec
from msgspec.structs import fields

from gateway.domain import ids
from gateway.domain.models import EXACT, HighlightReference, Item, LoadedHighlight, Model, Place, UserSummary
from gateway.domain.partial import WHOLE, Partial, Shortened, losses, partial
from gateway.upstream.client.identity import ID, ITEM_ID, is_id
from gateway.upstream.client.json_repair import ODD

MOST_MISFITS = 10_000
NUMBER = re.compile(r"[+-]?[0-9]{1,20}(\.[0-9]{1,20})?")
BOOLEANS = {"true": True, "false": False}
# No number is meant by these.
TEXTS = ("url", "uri", "username")
# By these something is told apart, or asked for. What cannot be one is none.
IDS = frozenset({"pk", "id", "code", "username"})
# Unix seconds, which may come as a date.
EPOCHS = frozenset({"latest_reel_media"})
# Null, or nothing, says of these that they are lost, not that there are none: "no items" would be a lie.
NEVER_NULL = frozenset({(LoadedHighlight, "items")})
ABSENT = object()


class UndecodableResponse(Exception):
    """A part that can be neither read nor done without."""


class TooOdd(Exception):
    """More parts than may do not fit."""


class Reader:
    """Reads one answer. `paths` are those of the parts that were not read as they are.

    `shortens`: lists do without entries that cannot be read; else such a list is lost as a whole. `by_part`: no part is
    taken as it is because it fits, as ODD may be in it, or an id that is none.
    """

    def __init__(self, *, shortens: bool, by_part: bool) -> None:
        self.paths: list[str] = []
        self._shortens = shortens
        self._by_part = by_part
        self._misfits = 0
        self._owner: str | None = None
        self._left_out: dict[str, int] = {}  # by path, until the model takes it that has the list

    def whole(self, raw: object, kind: Any) -> Any:
        """`raw` as `kind`. Raises Unreadable and TooOdd."""
        value = self._part(raw, kind, "")
        count = self._left_out.get("", 0)
        return Shortened.of(value, count) if count else value

    def _part(self, raw: object, kind: Any, path: str) -> Any:
        if not (self._by_part and isinstance(raw, dict | list)):
            try:
                return msgspec.convert(raw, kind)
            except msgspec.ValidationError:  # `suppress` takes longer, and there may be many
                pass
        self._misfit()
        return self._odd_part(raw, kind, path)

    def _odd_part(self, raw: object, kind: Any, path: str) -> Any:
        for arm in _arms(kind):
            if isinstance(raw, dict) and isinstance(arm, type) and issubclass(arm, msgspec.Struct):
                return self._struct(raw, arm, path)
            if isinstance(raw, dict) and get_origin(arm) is dict:
                return self._without_odd(raw, path)
            if isinstance(raw, list) and get_origin(arm) is tuple:
                return self._entries(raw, get_args(arm)[0], path)
        for reading in _readings(raw, kind, path.rpartition(".")[2]):
            if reading is not None:
                with suppress(msgspec.ValidationError):
                    value = msgspec.convert(reading, kind)
                    self.paths.append(path)
                    return value
        raise UndecodableResponse(path)

    def _misfit(self) -> None:
        """Raises TooOdd."""
        self._misfits += 1
        if self._misfits > MOST_MISFITS:
            raise TooOdd

    def _entries(self, raw: list[object], kind: Any, path: str) -> tuple[Any, ...]:
        """Numbers have their meaning by their place in the list, so that none of them can be left out."""
        entries: list[Any] = []
        shortens = self._shortens and kind is not float
        for at, part in enumerate(raw):
            before, here = len(self.paths), f"{path}[{at}]"
            try:
                entries.append(self._part(part, kind, here))
            except UndecodableResponse:
                if not shortens:
                    raise
                self._note(before, here)
        if len(entries) < len(raw):
            self._left_out[path] = len(raw) - len(entries)
        return tuple(entries)

    def _without_odd(self, raw: dict[str, object], path: str) -> dict[str, object]:
        """Of a value that may hold anything."""
        count = 0

        def rid(value: object) -> object:
            nonlocal count
            if value is ODD:
                count += 1
                return None
            if isinstance(value, dict):
                return {key: rid(part) for key, part in value.items()}
            return [rid(part) for part in value] if isinstance(value, list) else value

        rest = {key: rid(value) for key, value in raw.items()}
        if count:
            self._note(len(self.paths), path)
            self._left_out[path] = count
        return rest

    def _struct(self, raw: dict[str, object], kind: type[msgspec.Struct], path: str) -> Any:
        values: dict[str, Any] = {}
        lost: dict[str, int] = {}
        for field in _fields(kind):
            if field.key not in raw and not field.required and (kind, field.name) not in NEVER_NULL:
                continue
            here = f"{path}.{field.key}" if path else field.key
            before = len(self.paths)
            try:
                value = self._field(raw, kind, field, here, values)
            except UndecodableResponse:
                if field.required and not field.nullable:
                    raise
                self._note(before, here)
                lost[field.name] = WHOLE
                value = None if field.nullable else ABSENT
            if value is ABSENT:
                continue
            values[field.name] = value
            if here in self._left_out:
                lost[field.name] = self._left_out.pop(here)
            if isinstance(value, Partial):
                lost |= {f"{field.name}.{name}": count for name, count in losses(value).items()}
            if field.name == "owner" and isinstance(value, UserSummary):
                self._owner = value.id
        model = kind(**values)
        return partial(model, lost) if lost and isinstance(model, Model) else model

    def _field(
        self, raw: dict[str, object], kind: type[msgspec.Struct], field: Field, path: str, values: Mapping[str, Any]
    ) -> Any:
        """ABSENT where the default stands. Raises Unreadable."""
        given = raw.get(field.key, ABSENT)
        before = len(self.paths)
        value: Any = ABSENT
        if given is not ABSENT:
            with suppress(UndecodableResponse):
                value = self._part(given, field.type, path)
        is_doubtful = field.name in IDS and value is not ABSENT and _is_doubtful(kind, field.name, value)
        if value is not ABSENT and not is_doubtful:
            return value
        followed = self._follows(raw, kind, field.name, values)
        if followed is not None:
            value = followed
        elif (is_doubtful and field.name != "id") or (
            value is ABSENT and (given is not None or field.required or (kind, field.name) in NEVER_NULL)
        ):
            raise UndecodableResponse(path)
        self._note(before, path)
        return value

    def _follows(
        self, raw: Mapping[str, object], kind: type[msgspec.Struct], name: str, values: Mapping[str, Any]
    ) -> str | None:
        """The id that the ids beside it leave no choice about."""
        given = str(raw.get("id"))
        if name == "pk" and issubclass(kind, UserSummary):
            return _id(given)
        if name == "pk" and issubclass(kind, HighlightReference):
            return _id(given.removeprefix("highlight:"))
        if not issubclass(kind, Item):
            return None
        if name == "pk":
            return _id(given.partition("_")[0])
        pk = _id(str(values.get("pk")))
        if name == "code" and pk is not None:
            return ids.code_of(int(pk))
        owner = self._author(raw) if name == "id" else None
        return None if pk is None or owner is None else f"{pk}_{owner}"

    def _author(self, raw: Mapping[str, object]) -> str | None:
        """Whose item it is: its own user's, else its highlight's."""
        match raw.get("user"):
            case {"pk": str() | int() as pk} if _id(str(pk)):
                return str(pk)
            case {"id": str() | int() as id_} if _id(str(id_)):
                return str(id_)
            case _:
                return self._owner

    def _note(self, before: int, path: str) -> None:
        """In the place of all that was noted inside."""
        self.paths[before:] = [path]


@cache
def _kinds(kind: Any) -> frozenset[Any]:
    return frozenset(map(_bare, _arms(kind)))


def _readings(raw: object, kind: Any, name: str) -> Iterator[object]:
    """What a single value can mean as well, in the types of `kind`; None for nothing."""
    kinds = _kinds(kind)
    if isinstance(raw, bool):
        return
    if isinstance(raw, float) and abs(raw) <= EXACT and raw.is_integer():
        raw = int(raw)
        yield raw
    is_exact = isinstance(raw, int) or (isinstance(raw, float) and abs(raw) <= EXACT)
    # Where numbers are meant as well, this one was refused.
    if is_exact and str in kinds and int not in kinds and not name.lower().endswith(TEXTS):
        yield str(raw)
    if isinstance(raw, str) and NUMBER.fullmatch(raw.strip()) and not kinds.isdisjoint({int, float}):
        yield float(raw) if "." in raw else int(raw)
        yield from _readings(float(raw), kind, name)
    if bool in kinds:
        yield bool(raw) if raw in (0, 1) else BOOLEANS.get(str(raw).strip().lower())
    if datetime in kinds:
        yield _moment(raw)
    if name in EPOCHS and (moment := _moment(raw)) is not None:
        yield int(moment.timestamp())


def _moment(raw: object) -> datetime | None:
    """Of Unix time, or of a date as ISO 8601 or mail has it, which is UTC where it does not say."""
    if isinstance(raw, str) and NUMBER.fullmatch(raw.strip()):
        raw = float(raw)
    if isinstance(raw, int | float):
        return _epoch(raw)
    for reading in (datetime.fromisoformat, parsedate_to_datetime):
        with suppress(ValueError, OverflowError):
            moment = reading(str(raw).strip())
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return None


def _epoch(number: float) -> datetime | None:
    """Of Unix seconds, or of thousandths or millionths of them where seconds would lie beyond all dates."""
    for unit in (1, 1_000, 1_000_000):
        with suppress(ValueError, OverflowError, OSError):
            return datetime.fromtimestamp(number / unit, UTC)
    return None


def _is_doubtful(kind: type[msgspec.Struct], name: str, value: object) -> bool:
    """Ids of the platform are digits, and that of an item is two of them. A place without one has 0."""
    if not issubclass(kind, Model) or value is None:
        return False
    match name:
        case "pk":
            return kind is not Place and not is_id(value)
        case "username":
            return ids.USERNAME.fullmatch(str(value)) is None
        case "id":
            return kind is Item and ITEM_ID.fullmatch(str(value)) is None
        case _:
            return False


def _id(text: str) -> str | None:
    return text if ID.fullmatch(text) else None


class Field(NamedTuple):
    """`key` is its name in JSON."""

    name: str
    key: str
    type: Any
    required: bool
    nullable: bool


@cache
def _fields(kind: type[msgspec.Struct]) -> tuple[Field, ...]:
    """To make them takes longer than to read a part by them."""
    return tuple(
        Field(field.name, field.encode_name, field.type, field.required, type(None) in _arms(field.type))
        for field in fields(kind)
    )


@cache
def _arms(kind: Any) -> tuple[Any, ...]:
    return get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)


def _bare(arm: Any) -> Any:
    """Without its bounds."""
    return get_args(arm)[0] if get_origin(arm) is Annotated else arm
