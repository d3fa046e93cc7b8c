"""Decoding of the read API's JSON into domain models.

The fast path decodes and validates in one pass. A response that does not match is decoded again (`lenient`): valid
parts are kept, invalid ones are left out and recorded in the model. A paid response is not discarded for a detail, and
no value is invented.

A response of nothing but small parts would take a hundred times its size in memory, and one whose every part mismatches
would block the event loop for minutes: the number of each is bounded.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar, assert_never

import msgspec
from msgspec.structs import replace

from gateway.domain.models import Highlight, Item, LoadedHighlight, Profile, UserSummary
from gateway.domain.partial import WHOLE, Shortened, left_out, losses, partial
from gateway.errors import UpstreamInvalidAnswer
from gateway.upstream.client.decoding import LARGEST_ODD, MOST_VALUES, OnSchemaMismatch, lenient, strict
from gateway.upstream.client.identity import names_its_parts
from gateway.upstream.client.lenient_decoding import MOST_MISFITS, UndecodableResponse
from gateway.upstream.hikerapi.endpoints import Call, Endpoint

__all__ = [
    "BY_NAME",
    "DECODERS",
    "LARGEST_ODD",
    "MOST_MISFITS",
    "MOST_VALUES",
    "OnSchemaMismatch",
    "UndecodableResponse",
    "Value",
    "is_asked",
    "read",
]

Value = tuple[Highlight, ...] | Profile | LoadedHighlight | Item
U = TypeVar("U", bound=UserSummary)


def _model(endpoint: Endpoint) -> Any:
    match endpoint:
        case Endpoint.TRAY | Endpoint.TRAY_BY_USERNAME:
            return tuple[Highlight, ...]
        case Endpoint.PROFILE | Endpoint.PROFILE_BY_USERNAME:
            return Profile
        case Endpoint.HIGHLIGHT:
            return LoadedHighlight
        case Endpoint.ITEM:
            return Item
        case _:
            assert_never(endpoint)


DECODERS: dict[Endpoint, msgspec.json.Decoder[Any]] = {
    endpoint: msgspec.json.Decoder(_model(endpoint)) for endpoint in Endpoint
}
# Endpoints whose key is the user name, which their responses contain.
BY_NAME = frozenset({Endpoint.PROFILE_BY_USERNAME, Endpoint.TRAY_BY_USERNAME})


def read(call: Call, body: bytes, on_drift: OnSchemaMismatch | None = None) -> Value:
    """Decode `body`, the response to `call`. Raises UpstreamInvalidAnswer.

    `on_drift` is called with the paths of the parts that do not match, such as `items[3].video_duration`.
    """
    try:
        value: Value | None = strict(DECODERS[call.endpoint], body)
        if value is None or not _is_complete(call, value):
            value = _decode_leniently(call, body, on_drift, fits=value is not None)
        elif not names_its_parts(value) and len(body) <= LARGEST_ODD:  # a larger body would be lost for one id
            value = _decode_leniently(call, body, on_drift, fits=True)
    except UndecodableResponse as exc:
        raise UpstreamInvalidAnswer(f"The upstream's answer for this {call.endpoint.noun} could not be read.") from exc
    return value


def is_asked(call: Call, value: Value) -> bool:
    """Return whether `value` is about the object of `call`: data of another one must not be served under its key."""
    match value:
        case LoadedHighlight():
            return value.pk == call.key
        case Item():
            return str(value.pk) == call.key
        case Profile():
            return _is_requested_user(call, value)
        case tuple():
            shown = value[:1] if value and _is_of_one(value) else value
            return all(_is_requested_user(call, highlight.owner) for highlight in shown)
        case _:
            assert_never(value)


def _is_requested_user(call: Call, user: UserSummary | None) -> bool:
    if user is None:
        return True
    if call.endpoint not in BY_NAME:
        return user.id == call.key
    return user.username is None or user.username.lower() == call.key.lower()


def _is_complete(call: Call, value: Value) -> bool:
    """Return whether the response is about the requested object, and all its parts say so."""
    match value:
        case LoadedHighlight():
            has_items = bool(value.items) or not (value.media_ids or value.media_count)  # else items are missing
            return value.owner is not None and value.pk == call.key and has_items
        case Item():
            return is_asked(call, value)
        case Profile():
            return _identifies(call, value)
        case tuple():
            return not value or (_identifies(call, value[0].owner) and _is_of_one(value))
        case _:
            assert_never(value)


def _identifies(call: Call, user: UserSummary | None) -> bool:
    """Return whether `user` is the requested one, with a user name if that was the key."""
    if user is None or not _is_requested_user(call, user):
        return False
    return user.username is not None or call.endpoint not in BY_NAME


def _is_of_one(tray: Sequence[Highlight]) -> bool:
    """Return whether all entries have the same owner."""
    first = tray[0].owner
    if first is None:
        return False
    pk, username = first.pk, first.username
    for highlight in tray:  # a generator takes twice as long
        owner = highlight.owner
        if owner is None or owner.pk != pk or owner.username != username:
            return False
    return True


def _decode_leniently(call: Call, body: bytes, on_drift: OnSchemaMismatch | None, *, fits: bool) -> Value:
    """Decode leniently, and complete the value from the key of `call`. `fits`: all types match as they are."""
    found, paths = lenient(DECODERS[call.endpoint].type, body, shortens=True, by_part=fits)
    value = _completed(call, found, paths)
    if on_drift is not None and paths:
        on_drift(tuple(dict.fromkeys(paths)))
    return value


def _completed(call: Call, value: Value, paths: list[str]) -> Value:
    match value:
        case LoadedHighlight():
            if value.owner is not None:
                return value
            paths.append("user")
            return partial(value, {**losses(value), "owner": WHOLE})
        case Profile():
            return _with_requested_name(call, value)
        case tuple():
            return _tray(call, value, paths)
        case Item():
            return value
        case _:
            assert_never(value)


def _with_requested_name(call: Call, user: U) -> U:
    """Return the user with the requested name, if the name was the key and is missing."""
    if user.username is not None or call.endpoint not in BY_NAME:
        return user
    lost = {name: count for name, count in losses(user).items() if name != "username"}
    return partial(replace(user, username=call.key), lost)


def _tray(call: Call, tray: tuple[Highlight, ...], paths: list[str]) -> tuple[Highlight, ...]:
    """Complete each entry's owner from the other entries, because a tray belongs to one user.

    Entries of other users are left out, unless all are of another user.
    """
    owner = _owner(call, tray)
    entries = [_with_owner(call, highlight, owner) for highlight in tray]
    own = tuple(highlight for highlight in entries if owner is None or _is_owned(highlight, owner))
    missing = left_out(tray) + len(tray) - len(own)
    if len(own) < len(tray):
        paths.append("[*].user")
    return Shortened.of(own, missing) if missing else own


def _owner(call: Call, tray: tuple[Highlight, ...]) -> UserSummary | None:
    """Return the requested user, or the owner that all entries share, from the entry with the fewest losses."""
    owners = [highlight.owner for highlight in tray if highlight.owner is not None]
    requested = [owner for owner in owners if _is_requested_user(call, owner)]
    found = requested or (owners if len({owner.id for owner in owners}) == 1 else [])
    if found:
        return _with_requested_name(call, min(found, key=lambda owner: (len(losses(owner)), owner.username is None)))
    return None if owners or call.endpoint in BY_NAME else UserSummary(call.key)


def _is_owned(highlight: Highlight, owner: UserSummary) -> bool:
    return highlight.owner is not None and highlight.owner.id == owner.id


def _with_owner(call: Call, highlight: Highlight, owner: UserSummary | None) -> Highlight:
    """Return the highlight with its owner completed. Its other losses remain."""
    known = highlight.owner
    if known is not None and (
        (known.username is not None and not losses(known)) or not _is_requested_user(call, known)
    ):
        return highlight
    if owner is None:
        return partial(highlight, {**losses(highlight), "owner": WHOLE})
    if known is not None and known.id != owner.id:
        return highlight
    lost = {name: count for name, count in losses(highlight).items() if name.partition(".")[0] != "owner"}
    lost |= {f"owner.{name}": count for name, count in losses(owner).items()}
    return partial(replace(highlight, owner=owner), lost)
