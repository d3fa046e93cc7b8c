"""The fields of a user that are lists which the upstream pages."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from gateway.domain.ids import UserId, UserKey
from gateway.domain.searches import search_query, user_search
from gateway.domain.users import UserSummary
from gateway.reads.facts import FactKind
from schema.context import Info
from schema.cost_directives import UNPAGED, upstream_pages
from schema.fields import map_awaitable, relation
from schema.list_choices import Matching, MediaFilter, OnlyMedia, chosen, if_matching
from schema.partial import readable
from schema.types.account_history import AccountHistory
from schema.types.connection import After
from schema.types.upstream_connection import (
    FirstOfPages,
    UpstreamConnection,
    unknown_total,
    upstream_connection,
    upstream_list,
)

if TYPE_CHECKING:
    from schema.types.media import Media
    from schema.types.user import User

POSTS_OF = {MediaFilter.ALL: FactKind.POSTS, MediaFilter.REELS: FactKind.REELS}


@strawberry.type
class UserLists:
    """The base of the type `User`."""

    key: strawberry.Private[UserKey]

    @relation(
        chosen("kind", POSTS_OF),
        "Posts, pinned ones first, then newest first. One billed request for each page of the upstream, which has 9 to "
        "12 posts.",
        shared=True,
        directives=[upstream_pages(15)],
    )
    def media(
        self, info: Info, kind: OnlyMedia = MediaFilter.ALL, first: FirstOfPages = None, after: After = None
    ) -> UpstreamConnection[Annotated[Media, strawberry.lazy("schema.types.media")]] | None:
        kind = kind or MediaFilter.ALL
        total = self._profile_count("media_count") if kind is MediaFilter.ALL else unknown_total
        return upstream_connection(info, POSTS_OF[kind], self.key, (first, after), total=total)  # type: ignore[no-any-return]

    @relation(
        FactKind.PINNED_POSTS,
        "Posts that the account has pinned, at most three. One billed request.",
        shared=True,
        directives=[UNPAGED],
    )
    def pinned_media(self, info: Info) -> list[Annotated[Media, strawberry.lazy("schema.types.media")]] | None:
        return upstream_list(info, FactKind.PINNED_POSTS, self.key)  # type: ignore[no-any-return]

    @relation(
        FactKind.TAGGED_POSTS,
        "Posts of any account that the account is tagged in. One billed request for each page of the upstream.",
        shared=True,
        directives=[upstream_pages(20)],
    )
    def tagged_media(
        self, info: Info, first: FirstOfPages = None, after: After = None
    ) -> UpstreamConnection[Annotated[Media, strawberry.lazy("schema.types.media")]] | None:
        return upstream_connection(info, FactKind.TAGGED_POSTS, self.key, (first, after))  # type: ignore[no-any-return]

    @relation(
        if_matching(FactKind.MATCHING_FOLLOWERS, FactKind.FOLLOWERS),
        "Accounts that follow this one, in the platform's order. The platform does not list all followers of large "
        "accounts. One billed request for each page of the upstream, which has about 25 accounts.",
        shared=True,
        directives=[upstream_pages(25)],
    )
    def followers(
        self, info: Info, matching: Matching = None, first: FirstOfPages = None, after: After = None
    ) -> UpstreamConnection[Annotated[User, strawberry.lazy("schema.types.user")]] | None:
        if matching is not None:
            return self._matching(info, FactKind.MATCHING_FOLLOWERS, matching, (first, after))  # type: ignore[no-any-return]
        return self._people(info, FactKind.FOLLOWERS, (first, after), "follower_count")  # type: ignore[no-any-return]

    @relation(
        if_matching(FactKind.MATCHING_FOLLOWING, FactKind.FOLLOWING),
        "Accounts that this one follows, in the platform's order. One billed request for each page of the upstream, "
        "which has about 25 accounts.",
        shared=True,
        directives=[upstream_pages(25)],
    )
    def following(
        self, info: Info, matching: Matching = None, first: FirstOfPages = None, after: After = None
    ) -> UpstreamConnection[Annotated[User, strawberry.lazy("schema.types.user")]] | None:
        if matching is not None:
            return self._matching(info, FactKind.MATCHING_FOLLOWING, matching, (first, after))  # type: ignore[no-any-return]
        return self._people(info, FactKind.FOLLOWING, (first, after), "following_count")  # type: ignore[no-any-return]

    @relation(
        FactKind.ACCOUNT_HISTORY,
        "What the platform tells about the account's history. One billed request.",
        shared=True,
    )
    def about(self, info: Info) -> AccountHistory | None:
        found = upstream_list(info, FactKind.ACCOUNT_HISTORY, self.key)
        return map_awaitable(found, lambda histories: histories[0] if histories else None)  # type: ignore[return-value]

    def _people(self, info: Info, kind: FactKind, arguments: tuple[int | None, str | None], count: str) -> Any:
        total = self._profile_count(count)
        return upstream_connection(
            info, kind, self.key, arguments, total=total, node=lambda entry: self.of_listed(info, entry)
        )

    def _matching(self, info: Info, kind: FactKind, text: str, arguments: tuple[int | None, str | None]) -> Any:
        """Return the accounts of a search among the followers, or among those followed. Raise InvalidInput."""
        query = search_query(text, field="matching")

        def found(user: UserId) -> Any:
            key = user_search(user, query)
            return upstream_connection(info, kind, key, arguments, node=lambda entry: self.of_listed(info, entry))

        return map_awaitable(info.context.loader.get(FactKind.IDENTITY, self.key), found)

    def _profile_count(self, attribute: str) -> Callable[[Any], Any]:
        """Return a function from the operation's info to a number in the profile."""
        return lambda info: map_awaitable(
            info.context.loader.get(FactKind.PROFILE, self.key), lambda profile: readable(profile, attribute)
        )

    @classmethod
    @abstractmethod
    def of_listed(cls, info: Info, listed: UserSummary) -> Any:
        """Return the user that a list names."""
