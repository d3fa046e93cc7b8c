"""Simulated objects. The pk of one that stands for an unknown number of similar ones begins with `?`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from gateway.domain.hashtags import Hashtag, HashtagName
from gateway.domain.locations import Location
from gateway.domain.models import Item, MediaKind
from gateway.domain.stickers import EmbeddedMedia, HashtagSticker, LocationSticker, Mention
from gateway.domain.users import ListedUser, Profile, UserSummary

NewPk: TypeAlias = Callable[[], str]


class SimulatedHashtag(Hashtag, frozen=True, gc=False):
    """A hashtag whose name is a placeholder."""

    @property
    def keys(self) -> tuple[HashtagName, ...]:
        return (HashtagName(self.name),)


def is_placeholder(pk: str) -> bool:
    return pk.rpartition(":")[2].startswith("?")


def short_of(pk: str) -> UserSummary:
    return UserSummary(pk, username=f"?{pk}")


def profile_of(pk: str) -> Profile:
    return Profile(pk, username=f"?{pk}")


def someone(new_pk: NewPk) -> ListedUser:
    pk = new_pk()
    return ListedUser(pk, username=f"?{pk}")


def item_by(author: UserSummary, kind: MediaKind | None, new_pk: NewPk) -> Item:
    """Return an item that names one of each that an item can name."""
    pk = new_pk()
    return Item(
        pk,
        pk,
        media_type=None if kind is None else kind.value,
        author=UserSummary(author.id),  # without the name, as an item has it
        mentions=(Mention(someone(new_pk)),),
        sponsors=(someone(new_pk),),
        medias=(EmbeddedMedia(new_pk()),),
        hashtags=(HashtagSticker(SimulatedHashtag(new_pk())),),
        locations=(LocationSticker(Location(new_pk(), new_pk())),),
    )
