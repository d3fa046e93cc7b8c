"""The shapes of responses about a user: the profile and the tray."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from msgspec.structs import replace

from gateway.domain.models import Highlight, Tray
from gateway.domain.partial import WHOLE, losses, partial
from gateway.domain.users import Profile, UserSummary
from gateway.reads.endpoints import Call
from gateway.upstream.client.identity import are_ids, is_id
from gateway.upstream.hikerapi.decoding import ResponseShape, identifies, is_requested_user, without_others

U = TypeVar("U", bound=UserSummary)


class ProfileShape(ResponseShape[Profile]):
    """A user's full record."""

    def is_about(self, call: Call, value: Profile) -> bool:
        return is_requested_user(call, value)

    def is_complete(self, call: Call, value: Profile) -> bool:
        return identifies(call, value)

    def has_well_formed_ids(self, value: Profile) -> bool:
        return is_id(value.pk)

    def completed(self, call: Call, value: Profile, paths: list[str]) -> Profile:
        return _with_requested_name(call, value)

    def named_users(self, value: Profile) -> Sequence[UserSummary]:
        return (value,)


class TrayShape(ResponseShape[Tray]):
    """The list of a user's highlights, which all belong to that user."""

    def is_about(self, call: Call, value: Tray) -> bool:
        entries = value[:1] if value and _is_of_one(value) else value
        return all(is_requested_user(call, highlight.owner) for highlight in entries)

    def is_complete(self, call: Call, value: Tray) -> bool:
        return not value or (identifies(call, value[0].owner) and _is_of_one(value))

    def has_well_formed_ids(self, value: Tray) -> bool:
        owners = [entry.owner.pk for entry in value[:1] if entry.owner is not None]
        return are_ids([entry.pk for entry in value]) and are_ids(owners)

    def completed(self, call: Call, value: Tray, paths: list[str]) -> Tray:
        """Complete each entry's owner from the other entries, because a tray belongs to one user.

        Entries of other users are left out, unless all are of another user.
        """
        owner = _owner(call, value)
        entries = [_with_owner(call, highlight, owner) for highlight in value]
        own = tuple(highlight for highlight in entries if owner is None or _is_owned(highlight, owner))
        return without_others(value, own, paths)

    def named_users(self, value: Tray) -> Sequence[UserSummary]:
        return [entry.owner for entry in value if entry.owner is not None]


def _with_requested_name(call: Call, user: U) -> U:
    """Return the user with the requested name, if the name was the key and is missing."""
    if user.username is not None or not call.endpoint.by_name:
        return user
    lost = {name: count for name, count in losses(user).items() if name != "username"}
    return partial(replace(user, username=call.key), lost)


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


def _owner(call: Call, tray: Tray) -> UserSummary | None:
    """Return the requested user, or the owner that all entries share, from the entry with the fewest losses."""
    owners = [highlight.owner for highlight in tray if highlight.owner is not None]
    requested = [owner for owner in owners if is_requested_user(call, owner)]
    found = requested or (owners if len({owner.id for owner in owners}) == 1 else [])
    if found:
        return _with_requested_name(call, min(found, key=lambda owner: (len(losses(owner)), owner.username is None)))
    return None if owners or call.endpoint.by_name else UserSummary(call.key)


def _is_owned(highlight: Highlight, owner: UserSummary) -> bool:
    return highlight.owner is not None and highlight.owner.id == owner.id


def _with_owner(call: Call, highlight: Highlight, owner: UserSummary | None) -> Highlight:
    """Return the highlight with its owner completed. Its other losses remain."""
    known = highlight.owner
    if known is not None and ((known.username is not None and not losses(known)) or not is_requested_user(call, known)):
        return highlight
    if owner is None:
        return partial(highlight, {**losses(highlight), "owner": WHOLE})
    if known is not None and known.id != owner.id:
        return highlight
    lost = {name: count for name, count in losses(highlight).items() if name.partition(".")[0] != "owner"}
    lost |= {f"owner.{name}": count for name, count in losses(owner).items()}
    return partial(replace(highlight, owner=owner), lost)


PROFILE = ProfileShape(Profile)
TRAY = TrayShape(Tray)
