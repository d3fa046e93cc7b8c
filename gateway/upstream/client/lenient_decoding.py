"""Lenient decoding: the second pass, part by part, over a response that does not match its model.

A value is converted if it has only one meaning (`12.0` and `"12"` for an integer, Unix seconds for a date, a date
without an offset as UTC), an id is derived from the ids beside it. A part that cannot be decoded becomes null, or the
model's default where null is not allowed; a list entry that cannot be identified is left out. Each loss is recorded in
the model and among the paths. An object that requires the part is lost with it.
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
from gateway.domain.locations import Location
from gateway.domain.models import HighlightReference, Item, LoadedHighlight
from gateway.domain.partial import WHOLE, Partial, Shortened, losses, partial
from gateway.domain.users import EXACT, Model, UserSummary
from gateway.upstream.client.identity import ID, ITEM_ID, is_id
from gateway.upstream.client.json_repair import ODD

MOST_MISFITS = 10_000
NUMBER = re.compile(r"[+-]?[0-9]{1,20}(\.[0-9]{1,20})?")
BOOLEANS = {"true": True, "false": False}
# Names of texts: a number is never converted to one of these.
TEXTS = ("url", "uri", "username")
# Names of identifiers. A malformed one counts as missing.
IDS = frozenset({"pk", "id", "code", "username"})
# Names of Unix seconds, which may be sent as a date.
EPOCHS = frozenset({"latest_reel_media"})
# Null or absence of these means that they are lost, not that there are none: "no items" would be wrong.
NEVER_NULL = frozenset({(LoadedHighlight, "items")})
ABSENT = object()


class UndecodableResponse(Exception):
    """A required part could not be decoded."""


class TooOdd(Exception):
    """More than MOST_MISFITS parts do not match."""


class LenientReader:
    """A decoder of one response. `paths` lead to the parts that did not match as they are.

    `shortens`: lists omit entries that cannot be decoded; otherwise such a list is lost as a whole. `by_part`: objects
    and lists are never converted as a whole, because they may contain ODD or a malformed id.
    """

    def __init__(self, *, shortens: bool, by_part: bool) -> None:
        self.paths: list[str] = []
        self._shortens = shortens
        self._by_part = by_part
        self._misfits = 0
        self._owner: str | None = None
        self._left_out: dict[str, int] = {}  # by path, until the model that has the list records it

    def whole(self, raw: object, kind: Any) -> Any:
        """Decode `raw` as `kind`. Raises UndecodableResponse and TooOdd."""
        value = self._part(raw, kind, "")
        count = self._left_out.get("", 0)
        return Shortened.of(value, count) if count else value

    def _part(self, raw: object, kind: Any, path: str) -> Any:
        if not (self._by_part and isinstance(raw, dict | list)):
            try:
                return msgspec.convert(raw, kind)
            except msgspec.ValidationError:  # not `suppress`, which is slower: there may be many
                pass
        self._count_misfit()
        return self._convert_part(raw, kind, path)

    def _convert_part(self, raw: object, kind: Any, path: str) -> Any:
        for alternative in _alternatives(kind):
            if isinstance(raw, dict) and isinstance(alternative, type) and issubclass(alternative, msgspec.Struct):
                return self._struct(raw, alternative, path)
            if isinstance(raw, dict) and get_origin(alternative) is dict:
                return self._without_odd(raw, path)
            if isinstance(raw, list) and get_origin(alternative) is tuple:
                return self._entries(raw, get_args(alternative)[0], path)
        for reading in _readings(raw, kind, path.rpartition(".")[2]):
            if reading is not None:
                with suppress(msgspec.ValidationError):
                    value = msgspec.convert(reading, kind)
                    self.paths.append(path)
                    return value
        raise UndecodableResponse(path)

    def _count_misfit(self) -> None:
        """Count a part that does not match. Raises TooOdd."""
        self._misfits += 1
        if self._misfits > MOST_MISFITS:
            raise TooOdd

    def _entries(self, raw: list[object], kind: Any, path: str) -> tuple[Any, ...]:
        """Decode the entries of a list. Numbers are never left out, because their position gives them meaning."""
        entries: list[Any] = []
        shortens = self._shortens and kind is not float
        for at, part in enumerate(raw):
            before, here = len(self.paths), f"{path}[{at}]"
            try:
                entries.append(self._part(part, kind, here))
            except UndecodableResponse:
                if not shortens:
                    raise
                self._record_loss(before, here)
        if len(entries) < len(raw):
            self._left_out[path] = len(raw) - len(entries)
        return tuple(entries)

    def _without_odd(self, raw: dict[str, object], path: str) -> dict[str, object]:
        """Replace ODD by null in a value of arbitrary content."""
        count = 0

        def replaced(value: object) -> object:
            nonlocal count
            if value is ODD:
                count += 1
                return None
            if isinstance(value, dict):
                return {key: replaced(part) for key, part in value.items()}
            return [replaced(part) for part in value] if isinstance(value, list) else value

        rest = {key: replaced(value) for key, value in raw.items()}
        if count:
            self._record_loss(len(self.paths), path)
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
                self._record_loss(before, here)
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
        """Decode one field; ABSENT means its default. Raises UndecodableResponse."""
        given = raw.get(field.key, ABSENT)
        before = len(self.paths)
        value: Any = ABSENT
        if given is not ABSENT:
            with suppress(UndecodableResponse):
                value = self._part(given, field.type, path)
        is_doubtful = field.name in IDS and value is not ABSENT and _is_doubtful(kind, field.name, value)
        if value is not ABSENT and not is_doubtful:
            return value
        derived = self._derived_id(raw, kind, field.name, values)
        if derived is not None:
            value = derived
        elif (is_doubtful and field.name != "id") or (
            value is ABSENT and (given is not None or field.required or (kind, field.name) in NEVER_NULL)
        ):
            raise UndecodableResponse(path)
        self._record_loss(before, path)
        return value

    def _derived_id(
        self, raw: Mapping[str, object], kind: type[msgspec.Struct], name: str, values: Mapping[str, Any]
    ) -> str | None:
        """Return the id that follows from the ids beside it, or None."""
        given = str(raw.get("id"))
        if name == "pk" and issubclass(kind, UserSummary):
            return _id(given)
        if name == "pk" and issubclass(kind, HighlightReference):
            return _id(given.removeprefix("highlight:"))
        if not issubclass(kind, Item):
            return None
        if name == "pk":
            return _id(ids.pk_of(given))
        pk = _id(str(values.get("pk")))
        if name == "code" and pk is not None:
            return ids.code_of(int(pk))
        owner = self._author(raw) if name == "id" else None
        return None if pk is None or owner is None else f"{pk}_{owner}"

    def _author(self, raw: Mapping[str, object]) -> str | None:
        """Return the id of the item's author: its own user, otherwise the highlight's owner."""
        match raw.get("user"):
            case {"pk": str() | int() as pk} if _id(str(pk)):
                return str(pk)
            case {"id": str() | int() as id_} if _id(str(id_)):
                return str(id_)
            case _:
                return self._owner

    def _record_loss(self, before: int, path: str) -> None:
        """Record `path` in place of all paths recorded inside it."""
        self.paths[before:] = [path]


@cache
def _kinds(kind: Any) -> frozenset[Any]:
    return frozenset(map(_without_constraints, _alternatives(kind)))


def _readings(raw: object, kind: Any, name: str) -> Iterator[object]:
    """Yield other interpretations of a scalar, in the types of `kind`; None is no interpretation."""
    kinds = _kinds(kind)
    if isinstance(raw, bool):
        return
    if isinstance(raw, float) and abs(raw) <= EXACT and raw.is_integer():
        raw = int(raw)
        yield raw
    is_exact = isinstance(raw, int) or (isinstance(raw, float) and abs(raw) <= EXACT)
    # If the type allows numbers too, this number was already rejected.
    if is_exact and str in kinds and int not in kinds and not name.lower().endswith(TEXTS):
        yield str(raw)
    if isinstance(raw, str) and NUMBER.fullmatch(raw.strip()) and not kinds.isdisjoint({int, float}):
        yield float(raw) if "." in raw else int(raw)
        yield from _readings(float(raw), kind, name)
    if bool in kinds:
        yield bool(raw) if raw in (0, 1) else BOOLEANS.get(str(raw).strip().lower())
    if datetime in kinds:
        yield _datetime(raw)
    if name in EPOCHS and (date := _datetime(raw)) is not None:
        yield int(date.timestamp())


def _datetime(raw: object) -> datetime | None:
    """Parse Unix time, or a date by ISO 8601 or RFC 5322, in UTC if it has no offset."""
    if isinstance(raw, str) and NUMBER.fullmatch(raw.strip()):
        raw = float(raw)
    if isinstance(raw, int | float):
        return _from_epoch(raw)
    for reading in (datetime.fromisoformat, parsedate_to_datetime):
        with suppress(ValueError, OverflowError):
            date = reading(str(raw).strip())
            return date if date.tzinfo else date.replace(tzinfo=UTC)
    return None


def _from_epoch(number: float) -> datetime | None:
    """Convert Unix seconds, or milliseconds or microseconds if seconds would exceed the range of dates."""
    for unit in (1, 1_000, 1_000_000):
        with suppress(ValueError, OverflowError, OSError):
            return datetime.fromtimestamp(number / unit, UTC)
    return None


def _is_doubtful(kind: type[msgspec.Struct], name: str, value: object) -> bool:
    """Return whether an id is malformed: ids are digits, an item's id is two of them. A place without one has 0."""
    if not issubclass(kind, Model) or value is None:
        return False
    match name:
        case "pk":
            return kind is not Location and not is_id(value)
        case "username":
            return ids.USERNAME.fullmatch(str(value)) is None
        case "id":
            return issubclass(kind, Item) and ITEM_ID.fullmatch(str(value)) is None
        case _:
            return False


def _id(text: str) -> str | None:
    return text if ID.fullmatch(text) else None


class Field(NamedTuple):
    """A field of a model. `key` is its name in JSON."""

    name: str
    key: str
    type: Any
    required: bool
    nullable: bool


@cache
def _fields(kind: type[msgspec.Struct]) -> tuple[Field, ...]:
    """Return the fields of a model, cached: building them takes longer than decoding with them."""
    return tuple(
        Field(field.name, field.encode_name, field.type, field.required, type(None) in _alternatives(field.type))
        for field in fields(kind)
    )


@cache
def _alternatives(kind: Any) -> tuple[Any, ...]:
    return get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)


def _without_constraints(alternative: Any) -> Any:
    """Return a type without its constraints."""
    return get_args(alternative)[0] if get_origin(alternative) is Annotated else alternative
