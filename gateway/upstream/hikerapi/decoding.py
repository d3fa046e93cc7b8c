"""The upstream's JSON as domain models.

The fast path decodes and checks in one pass. An answer that does not fit is read a second time (`lenient`): what can be
read is kept, what cannot is left out and said so by the model. Nothing paid for is thrown away for a detail, and
nothing is made up.

An answer of nothing but small parts would take a hundred times its size, and one whose every part drifts would take
minutes, on the loop: how many there may be of each is bounded.
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
# Asked by the name that the answer then has.
BY_NAME = frozenset({Endpoint.PROFILE_BY_USERNAME, Endpoint.TRAY_BY_USERNAME})


def read(call: Call, body: bytes, on_drift: OnSchemaMismatch | None = None) -> Value:
    """What `body` answers to `call`. Raises UpstreamInvalidAnswer.

    `on_drift` is told the paths of the parts that were not read as they are, like `items[3].video_duration`.
    """
    try:
        value: Value | None = strict(DECODERS[call.endpoint], body)
        if value is None or not _is_complete(call, value):
            value = _of_asked(call, body, on_drift, fits=value is not None)
        elif not names_its_parts(value) and len(body) <= LARGEST_ODD:  # beyond it all of it would be lost for an id
            value = _of_asked(call, body, on_drift, fits=True)
    except UndecodableResponse as exc:
        raise UpstreamInvalidAnswer(f"The upstream's answer for this {call.endpoint.noun} could not be read.") from exc
    return value


def is_asked(call: Call, value: Value) -> bool:
    """False for an answer about somebody or something else, which nobody must see under the name that was asked."""
    match value:
        case LoadedHighlight():
            return value.pk == call.key
        case Item():
            return str(value.pk) == call.key
        case Profile():
            return _is_asked_user(call, value)
        case tuple():
            shown = value[:1] if value and _is_of_one(value) else value
            return all(_is_asked_user(call, highlight.owner) for highlight in shown)
        case _:
            assert_never(value)


def _is_asked_user(call: Call, user: UserSummary | None) -> bool:
    if user is None:
        return True
    if call.endpoint not in BY_NAME:
        return user.id == call.key
    return user.username is None or user.username.lower() == call.key.lower()


def _is_complete(call: Call, value: Value) -> bool:
    """Whether the answer is about what was asked, and says so throughout."""
    match value:
        case LoadedHighlight():
            has_items = bool(value.items) or not (value.media_ids or value.media_count)  # or they were left out
            return value.owner is not None and value.pk == call.key and has_items
        case Item():
            return is_asked(call, value)
        case Profile():
            return _names(call, value)
        case tuple():
            return not value or (_names(call, value[0].owner) and _is_of_one(value))
        case _:
            assert_never(value)


def _names(call: Call, user: UserSummary | None) -> bool:
    """Whether it is the user who was asked for, and bears the name by which it was."""
    if user is None or not _is_asked_user(call, user):
        return False
    return user.username is not None or call.endpoint not in BY_NAME


def _is_of_one(tray: Sequence[Highlight]) -> bool:
    """Whether all entries name the same owner."""
    first = tray[0].owner
    if first is None:
        return False
    pk, username = first.pk, first.username
    for highlight in tray:  # a generator takes twice as long
        owner = highlight.owner
        if owner is None or owner.pk != pk or owner.username != username:
            return False
    return True


def _of_asked(call: Call, body: bytes, on_drift: OnSchemaMismatch | None, *, fits: bool) -> Value:
    """Read leniently, and completed by what the question says. `fits`: its types do, as it is."""
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
            return _named(call, value)
        case tuple():
            return _tray(call, value, paths)
        case Item():
            return value
        case _:
            assert_never(value)


def _named(call: Call, user: U) -> U:
    """Whoever was asked for by a name goes by it."""
    if user.username is not None or call.endpoint not in BY_NAME:
        return user
    lost = {name: count for name, count in losses(user).items() if name != "username"}
    return partial(replace(user, username=call.key), lost)


def _tray(call: Call, tray: tuple[Highlight, ...], paths: list[str]) -> tuple[Highlight, ...]:
    """A tray is one user's: what an entry does not say of its owner the others do.

    An entry of somebody else is left out, but where all of them are.
    """
    owner = _owner(call, tray)
    entries = [_owned(call, highlight, owner) for highlight in tray]
    own = tuple(highlight for highlight in entries if owner is None or _is_owned(highlight, owner))
    missing = left_out(tray) + len(tray) - len(own)
    if len(own) < len(tray):
        paths.append("[*].user")
    return Shortened.of(own, missing) if missing else own


def _owner(call: Call, tray: tuple[Highlight, ...]) -> UserSummary | None:
    """The user who was asked for, or all entries' one, as the entry shows it that lost the least."""
    owners = [highlight.owner for highlight in tray if highlight.owner is not None]
    asked = [owner for owner in owners if _is_asked_user(call, owner)]
    found = asked or (owners if len({owner.id for owner in owners}) == 1 else [])
    if found:
        return _named(call, min(found, key=lambda owner: (len(losses(owner)), owner.username is None)))
    return None if owners or call.endpoint in BY_NAME else UserSummary(call.key)


def _is_owned(highlight: Highlight, owner: UserSummary) -> bool:
    return highlight.owner is not None and highlight.owner.id == owner.id


def _owned(call: Call, highlight: Highlight, owner: UserSummary | None) -> Highlight:
    """With all that is known of its owner. What else it lost stays lost."""
    known = highlight.owner
    if known is not None and ((known.username is not None and not losses(known)) or not _is_asked_user(call, known)):
        return highlight
    if owner is None:
        return partial(highlight, {**losses(highlight), "owner": WHOLE})
    if known is not None and known.id != owner.id:
        return highlight
    lost = {name: count for name, count in losses(highlight).items() if name.partition(".")[0] != "owner"}
    lost |= {f"owner.{name}": count for name, count in losses(owner).items()}
    return partial(replace(highlight, owner=owner), lost)
