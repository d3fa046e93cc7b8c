"""Raw objects that hold values of any type, and the rules that all flat forms share.

The raw answers of lists are large, and little of them is read. They are decoded into Parts, which skip everything else,
and encoded again as flat pages: a value is moved or renamed, and its type is not judged. That is left to the decoder of
the flat page, which keeps what is valid and records the loss of the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache, wraps
from types import UnionType
from typing import Any, NamedTuple, TypeAlias, TypeVar, Union, get_args, get_origin

import msgspec
from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import fields

from gateway.upstream.client.decoding import LARGEST_ODD
from gateway.upstream.client.json_repair import repaired
from gateway.upstream.client.lenient_decoding import UndecodableResponse

T = TypeVar("T")
Given: TypeAlias = T | UnsetType | None
# In the place of a text or a number whose container has another type than usual. A list is none of either, so that the
# decoder of the flat page records the loss.
UNREADABLE: tuple[object, ...] = ()


LONGEST_CURSOR = 4_000  # bytes: the upstream's own have some hundred, and every cursor of a client contains one


class Part(Struct, gc=False):
    """The base of raw and flat objects. A field that the answer lacks is UNSET, and is not encoded.

    The types of the fields are the usual ones: at runtime each field may hold a value of any type.
    """


class FlatPage(Struct, gc=False):
    """The flat form of one page. `total` counts the whole list, `owner` is the user whose list it is."""

    entries: list[Any]
    next: Any = None
    owner: Any = None
    total: Any = None


Flatten = Callable[[str, bytes], bytes]


def encoded(flatten: Callable[[str, bytes], FlatPage]) -> Flatten:
    """Return `flatten` with its page as JSON."""

    @wraps(flatten)
    def flattened(key: str, body: bytes) -> bytes:
        try:
            return ENCODER.encode(flatten(key, body))
        except RecursionError as exc:
            raise UndecodableResponse from exc

    return flattened


def marked(mark: str, flatten: Flatten) -> Flatten:
    """Return `flatten` with the cursor of its page after `mark`."""
    page_of: Callable[[str, bytes], FlatPage] = flatten.__wrapped__  # type: ignore[attr-defined]  # of `encoded`

    @encoded
    def flattened(key: str, body: bytes) -> FlatPage:
        page = page_of(key, body)
        if isinstance(page.next, str):
            page.next = mark + page.next
        return page

    return flattened


def read(decoder: msgspec.json.Decoder[Any], body: bytes) -> Any:
    """Decode `body`; values of other types than usual stay as they are. Raises UndecodableResponse if it is not JSON.

    A body with such values is decoded in two steps, and flattening it takes five times as long.
    """
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    except RecursionError as exc:
        raise UndecodableResponse from exc
    try:
        return _shaped(_parsed(body), decoder.type)
    except (ValueError, RecursionError) as exc:
        raise UndecodableResponse from exc


def is_given(value: object) -> bool:
    return value is not UNSET and value is not None


def first_given(*values: Any) -> Any:
    """Return the first value that is present and not null; otherwise the last one."""
    for value in values:
        if value is not UNSET and value is not None:
            return value
    return values[-1]


def before_owner(identifier: Any) -> Any:
    """Return the pk in `<pk>_<user>`."""
    return identifier.partition("_")[0] if isinstance(identifier, str) else identifier


def first_pk(*identifiers: Any) -> Any:
    """Return the pk that the first identifier is, or begins with; UNSET if none of them is present."""
    return before_owner(first_given(*identifiers, UNSET))


def moment(seconds: Any) -> Any:
    """Return the time of Unix seconds, which is encoded by ISO 8601."""
    if isinstance(seconds, int) and not isinstance(seconds, bool):
        try:
            return datetime.fromtimestamp(seconds, UTC)
        except (OverflowError, ValueError, OSError):
            pass
    return seconds


def cursor(given: Any) -> Any:
    """Return a page's cursor as a text, or None for the last page."""
    if not is_given(given) or given == "":
        return None
    if isinstance(given, str) and len(given.encode(errors="replace")) > LONGEST_CURSOR:
        return UNREADABLE
    return str(given) if isinstance(given, int) and not isinstance(given, bool) else given


def flat_list(given: Any, flatten: Callable[[Any], Any]) -> Any:
    """Return the flat entries of a list. Null counts as absent, because the flat form has no null lists."""
    if isinstance(given, list):
        return [flatten(entry) for entry in given]
    return UNSET if given is None else given


class _Field(NamedTuple):
    name: str
    key: str
    type: Any


def _parsed(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    if len(body) > LARGEST_ODD:
        raise UndecodableResponse
    return repaired(body).raw


def _shaped(raw: Any, kind: Any) -> Any:
    """Return `raw` with its objects as the Parts of `kind`."""
    if not isinstance(raw, dict | list):
        return raw
    for alternative in _alternatives(kind):
        origin = get_origin(alternative)
        if isinstance(raw, list):
            if origin is list:
                return [_shaped(part, get_args(alternative)[0]) for part in raw]
            if origin is tuple and len(raw) == len(get_args(alternative)):
                return tuple(map(_shaped, raw, get_args(alternative)))
        elif isinstance(alternative, type) and issubclass(alternative, Part):
            names = _fields(alternative)
            return alternative(
                **{field.name: _shaped(raw[field.key], field.type) for field in names if field.key in raw}
            )
    return raw


@cache
def _alternatives(kind: Any) -> tuple[Any, ...]:
    return get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)


@cache
def _fields(kind: type[Part]) -> tuple[_Field, ...]:
    return tuple(_Field(field.name, field.encode_name, field.type) for field in fields(kind))


def _unreadable(_: object) -> object:
    """Return the substitute of ODD, the only value that JSON does not have."""
    return UNREADABLE


ENCODER = msgspec.json.Encoder(enc_hook=_unreadable)
