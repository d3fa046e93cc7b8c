"""The base of all models of the read API's responses, the types of their numbers, and the models of a user."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, ClassVar, TypeAlias

from msgspec import Meta, Struct, field

# The largest exact integer: GraphQL's Int has 32 bits, and all clients read JSON numbers of 53 bits exactly.
EXACT = 2**53 - 1
Small: TypeAlias = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]
Count: TypeAlias = Annotated[int, Meta(ge=-EXACT, le=EXACT)]
Number: TypeAlias = Annotated[int, Meta(ge=0, le=EXACT)]  # of the entries of a list
Moment: TypeAlias = Annotated[datetime, Meta(tz=True)]
Epoch: TypeAlias = Annotated[int, Meta(ge=-62_135_596_800, le=253_402_300_799)]  # seconds of the years 1 to 9999
MediumPk: TypeAlias = Annotated[int, Meta(ge=0)] | Annotated[str, Meta(pattern="^[0-9]{1,20}$")]


class AccountType(enum.Enum):
    PERSONAL = 1
    BUSINESS = 2
    CREATOR = 3


class Model(Struct, frozen=True, gc=False):
    """The base of all models. Decoded JSON has no cycles, so the garbage collector need not track instances.

    `SOURCES` names, for each property that is computed from attributes that may be lost, those attributes.
    """

    SOURCES: ClassVar[Mapping[str, tuple[str, ...]]] = {}

    @property
    def named_user(self) -> UserSummary | None:
        """The user that the object is, or that owns it, with the user's name."""
        return None


class UserSummary(Model, frozen=True, gc=False):
    """The eight fields of a user that other responses include. `pk` is an integer in some of them."""

    pk: str | int
    username: str | None = None
    full_name: str | None = None
    profile_picture_url: str | None = field(name="profile_pic_url", default=None)
    profile_picture_hd_url: str | None = field(name="profile_pic_url_hd", default=None)
    is_private: bool | None = None
    is_verified: bool | None = None

    @property
    def id(self) -> str:
        return str(self.pk)

    @property
    def named_user(self) -> UserSummary:
        return self

    def alone(self) -> UserSummary:
        """Return these fields without those that a subclass adds."""
        if type(self) is UserSummary:
            return self
        return UserSummary(*(getattr(self, name) for name in UserSummary.__struct_fields__))


def has_short_fields(user: UserSummary | None) -> bool:
    """Return whether a reference embeds the short fields. A mention does; an item names its author by id alone."""
    return user is not None and user.username is not None


class ListedUser(UserSummary, frozen=True, gc=False):
    """A user as lists of users have one. `latest_story_at` is in Unix seconds, 0 without a live story."""

    latest_story_at: Epoch | None = field(name="latest_reel_media", default=None)

    SOURCES: ClassVar[Mapping[str, tuple[str, ...]]] = {"has_live_stories": ("latest_story_at",)}

    @property
    def has_live_stories(self) -> bool | None:
        return None if self.latest_story_at is None else self.latest_story_at > 0


class Profile(UserSummary, frozen=True, gc=False):
    """The full record of a user."""

    biography: str | None = None
    external_url: str | None = None
    media_count: Count | None = None
    follower_count: Count | None = None
    following_count: Count | None = None
    account_type_code: Small | None = field(name="account_type", default=None)
    is_business: bool | None = None
    category: str | None = field(name="category_name", default=None)
    public_email: str | None = None
    contact_phone_number: str | None = None
    city: str | None = field(name="city_name", default=None)
    zip: str | None = None
    latitude: float | None = None
    longitude: float | None = None

    SOURCES: ClassVar[Mapping[str, tuple[str, ...]]] = {"account_type": ("account_type_code",)}

    @property
    def account_type(self) -> AccountType | None:
        """The account type, or None for a code that the contract does not know."""
        try:
            return AccountType(self.account_type_code)
        except ValueError:
            return None
