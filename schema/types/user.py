"""The user type."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Annotated, Any, Self

import strawberry

from gateway.domain import ids, models, pages
from gateway.domain.ids import UserId, UserKey
from gateway.domain.partial import left_out
from gateway.domain.users import ListedUser, UserSummary
from gateway.reads.facts import FactKind
from schema.account_type import AccountType
from schema.context import Info
from schema.cost_directives import PAGED, UNPAGED
from schema.entities import entity
from schema.fields import derived, field_in, map_awaitable, relation
from schema.highlight_filter import HighlightOrder, InOrder, OnlyMatching, criteria
from schema.media_urls import Proxied, media_url
from schema.node import Node
from schema.partial import readable, shortened
from schema.scalars import BigInt
from schema.types.connection import After, Before, Connection, First, Last, page_of
from schema.types.user_lists import UserLists

if TYPE_CHECKING:
    from schema.types.highlight import Highlight
    from schema.types.item import Item


def short(attribute: str, type_: Any, description: str) -> Any:
    """Return a field that every upstream response about the user contains."""

    def resolve(self: User, info: Info) -> Any:
        return map_awaitable(self.short(info), lambda short: readable(short, attribute))

    return field_in(FactKind.SUMMARY, description, resolver=resolve, graphql_type=type_)


def portrait(attribute: str, description: str) -> Any:
    """Return a media URL field that every upstream response about the user contains."""

    def resolve(self: User, info: Info, proxied: Proxied = None) -> Any:
        def show(short: UserSummary) -> str | None:
            return media_url(info, readable(short, attribute), f"user:{short.id}", proxied)

        return map_awaitable(self.short(info), show)

    return field_in(FactKind.SUMMARY, description, resolver=resolve, graphql_type=str | None)


def profile(attribute: str, type_: Any, description: str) -> Any:
    """Return a field of the user's full record."""

    def resolve(self: User, info: Info) -> Any:
        return map_awaitable(
            info.context.loader.get(FactKind.PROFILE, self.key), lambda profile: readable(profile, attribute)
        )

    return field_in(FactKind.PROFILE, description, resolver=resolve, graphql_type=type_)


def user_id(self: User, info: Info) -> strawberry.ID:
    return map_awaitable(info.context.loader.get(FactKind.IDENTITY, self.key), attrgetter("pk"))  # type: ignore[return-value]


@entity()
@strawberry.federation.type(
    keys=["id"],
    description="An Instagram account. The fields from `biography` to `longitude` are its profile: "
    "one billed request for all of them.",
)
class User(UserLists, Node):
    embedded: strawberry.Private[UserSummary | None] = None

    id: strawberry.ID = field_in(FactKind.IDENTITY, "The platform's numeric id.", resolver=user_id)
    username: str | None = short("username", str | None, "User name, without @.")
    full_name: str | None = short("full_name", str | None, "Display name.")
    profile_picture_url: str | None = portrait(
        "profile_picture_url", "Signed URL of the profile picture. It expires after some days."
    )
    profile_picture_hd_url: str | None = portrait(
        "profile_picture_hd_url", "Signed URL of the large profile picture; null if the platform does not provide it."
    )
    is_private: bool | None = short("is_private", bool | None, "True if only followers can see the account's media.")
    is_verified: bool | None = short("is_verified", bool | None, "True if the account has the verified badge.")

    biography: str | None = profile("biography", str | None, "Biography of the account.")
    external_url: str | None = profile("external_url", str | None, "URL in the biography.")
    media_count: BigInt | None = profile("media_count", BigInt | None, "Number of posts.")
    follower_count: BigInt | None = profile("follower_count", BigInt | None, "Number of followers.")
    following_count: BigInt | None = profile(
        "following_count", BigInt | None, "Number of accounts that this one follows."
    )
    account_type: AccountType | None = profile(
        "account_type",
        AccountType | None,
        "Type of the account; null for a type that the gateway does not know: see `accountTypeCode`.",
    )
    account_type_code: int | None = profile(
        "account_type_code", int | None, "The platform's number of the account type."
    )
    is_business: bool | None = profile("is_business", bool | None, "True if it is a business account.")
    category: str | None = profile("category", str | None, "Category of the account, as named by the platform.")
    public_email: str | None = profile("public_email", str | None, "Public e-mail address.")
    contact_phone_number: str | None = profile("contact_phone_number", str | None, "Public phone number.")
    city: str | None = profile("city", str | None, "City of the public address.")
    zip: str | None = profile("zip", str | None, "Postal code of the public address.")
    latitude: float | None = profile("latitude", float | None, "Latitude of the public address in degrees.")
    longitude: float | None = profile("longitude", float | None, "Longitude of the public address in degrees.")

    @relation(
        FactKind.TRAY,
        "Highlights of the account. Two billed requests, three by user name, whatever the arguments.",
        shared=True,
        directives=[PAGED],
    )
    def highlights(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        filter: OnlyMatching = None,
        order: InOrder = HighlightOrder.TRAY,
    ) -> Connection[Annotated[Highlight, strawberry.lazy("schema.types.highlight")]] | None:
        window = pages.window({"first": first, "after": after, "last": last, "before": before})
        wanted = criteria(filter, order)

        def page(listed: Sequence[models.Highlight]) -> Connection[Any]:
            entries = wanted.apply(listed)
            count = (left_out(listed) or 0) + wanted.unread(listed)
            return page_of(entries, window, lost=count or None, of=listed)

        return map_awaitable(info.context.loader.get(FactKind.TRAY, self.key), page)  # type: ignore[return-value]

    @relation(
        FactKind.STORIES,
        "The live stories, oldest first; an empty list if there are none.",
        shared=True,
        directives=[UNPAGED],
    )
    def stories(self, info: Info) -> list[Annotated[Item, strawberry.lazy("schema.types.item")]] | None:
        loaded = info.context.loader.get(FactKind.STORIES, self.key)
        return map_awaitable(loaded, lambda stories: shortened(stories, left_out(stories) or None))  # type: ignore[return-value]

    @derived(
        "Whether a story is live, if the list that the account comes from tells it; null otherwise. Costs nothing."
    )
    def has_live_stories(self) -> bool | None:
        listed = self.embedded
        return readable(listed, "has_live_stories") if isinstance(listed, ListedUser) else None

    def short(self, info: Info) -> UserSummary | Awaitable[UserSummary]:
        if self.embedded is not None and self.embedded.username is not None:
            return self.embedded
        return info.context.loader.get(FactKind.SUMMARY, self.key)  # type: ignore[no-any-return]

    @classmethod
    def of(cls, info: Info, key: UserKey, embedded: UserSummary | None = None) -> Self:
        """Return the user. Raise the GatewayError if nothing of the user can be returned."""
        failure = info.context.fetcher.facts.failure(key)
        if failure is not None and embedded is None:
            raise failure.about(key.subject)
        return cls(key=key, embedded=embedded)

    @classmethod
    def of_embedded(cls, info: Info, embedded: UserSummary) -> Self:
        """Return a user that another response included."""
        complete = embedded.username is not None
        return cls.of(info, UserId(embedded.id), embedded if complete else None)

    @classmethod
    def of_listed(cls, info: Info, listed: UserSummary) -> Self:
        return cls.of_embedded(info, listed)

    @classmethod
    def resolve_reference(cls, info: Info, id: strawberry.ID, *, field: str = "id", **_: object) -> Self:
        return cls.of(info, ids.user_id(id, field=field))
