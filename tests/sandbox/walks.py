"""Walks through the lists that are read in pages: one row for each endpoint, with its own envelope and cursor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import httpx
import msgspec

from gateway.sandbox import fixture_users
from gateway.sandbox.feed import listed_post
from gateway.sandbox.threads import comment_pk
from gateway.sandbox.world import World
from tests.sandbox import contract
from tests.sandbox.contract_lists import Accounts, Comments, Medias, People, RawMedia, Replies, Sections
from tests.sandbox.contract_posts import Media

T = TypeVar("T")
NATGEO, THIRTY = fixture_users.NATGEO, fixture_users.THIRTY
Chunk = tuple[list[Media], str | None]


def listed_pk(number: int) -> int:
    """The pk of a post in natgeo's list, by its number from the newest."""
    return listed_post(World().user(NATGEO.index), number).pk


def discussed_pk(number: int) -> int:
    """The pk of the first comment of that post, which has more replies than a page holds."""
    return comment_pk(listed_pk(number), 0)


def media_in(sections: Sections) -> list[RawMedia]:
    """The posts in all three places of the layout."""
    found: list[RawMedia] = []
    for section in sections.response.sections:
        layout = section.layout_content
        rows = [layout.medias, layout.fill_items]
        if layout.one_by_two_item:
            rows.append(layout.one_by_two_item.clips.items)
        found += [entry.media for row in rows if row for entry in row]
    return found


@dataclass(frozen=True, eq=False)
class Walk:
    """The pages of one list. `other` names the parameter and the value of another object of the same endpoint."""

    path: str
    params: Mapping[str, str | int]
    other: Mapping[str, str | int]
    cursor: str
    model: Any
    entries: Callable[[Any], list[Any]]
    following: Callable[[Any], str | None]
    inner: Callable[[Any], str | None] = field(default=lambda page: None)

    def __str__(self) -> str:
        return self.path

    async def page(self, client: httpx.AsyncClient, cursor: str | None = None) -> Any:
        response = await client.get(self.path, params=self._params(cursor))
        return read(response, self.model)

    def of(self, **params: str | int) -> Walk:
        """The same walk through the list of another object."""
        return replace(self, params=params)

    async def pages(self, client: httpx.AsyncClient) -> list[Any]:
        pages = [await self.page(client)]
        while cursor := self.following(pages[-1]):
            pages.append(await self.page(client, cursor))
            assert len(pages) < 100, "a walk ends"
        return pages

    async def all(self, client: httpx.AsyncClient) -> list[Any]:
        return [entry for page in await self.pages(client) for entry in self.entries(page)]

    async def refused(self, client: httpx.AsyncClient, cursor: str, **changed: str | int) -> tuple[int, str]:
        """The status and the type of the error that the cursor is refused with."""
        response = await client.get(self.path, params=self._params(cursor) | changed)
        error = msgspec.json.decode(response.content, type=contract.EndpointError)
        return response.status_code, error.exc_type

    def _params(self, cursor: str | None) -> dict[str, str | int]:
        return dict(self.params) | ({} if cursor is None else {self.cursor: cursor})


def read(response: httpx.Response, model: type[T]) -> T:
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    return msgspec.json.decode(response.content, type=model)


def pk_of(entry: Any) -> str:
    """The pk of an entry, whichever way it is spelled."""
    pk = getattr(entry, "pk", msgspec.UNSET)
    return str(entry.id).split("_")[0] if pk is msgspec.UNSET else str(pk)


def chunk(path: str, cursor: str, params: Mapping[str, str | int], other: Mapping[str, str | int]) -> Walk:
    return Walk(path, params, other, cursor, Chunk, lambda page: list(page[0]), lambda page: page[1])


def _raw(
    path: str,
    cursor: str,
    model: Any,
    entries: Callable[[Any], list[Any]],
    params: Mapping[str, str | int],
    other: Mapping[str, str | int],
    inner: Callable[[Any], str | None],
) -> Walk:
    return Walk(path, params, other, cursor, model, entries, lambda page: page.next_page_id, inner)


def _next_max_id(page: Any) -> str | None:
    following: str | None = page.response.next_max_id
    return following


NATGEOS, THIRTYS = {"user_id": NATGEO.pk}, {"user_id": THIRTY.pk}
PLACE, OTHER_PLACE = {"location_pk": 212_087_109}, {"location_pk": 212_000_000}
TALKED_ABOUT, SILENT_AT_LAST = 8, 4  # natgeo's posts by number: one whose comments are all listed, one with too many
MEDIAS = _raw(
    "/g2/user/medias",
    "next_page_id",
    Medias,
    lambda page: list(page.response.items),
    NATGEOS,
    THIRTYS,
    _next_max_id,
)
CHUNK = chunk("/v1/user/medias/chunk", "end_cursor", NATGEOS, THIRTYS)
CLIPS = chunk("/v1/user/clips/chunk", "end_cursor", NATGEOS, THIRTYS)
TAGGED = chunk("/v1/user/tag/medias/chunk", "max_id", NATGEOS, THIRTYS)
FOLLOWERS, FOLLOWING = (
    _raw(
        f"/g2/user/{side}",
        "page_id",
        People,
        lambda page: list(page.response.users),
        NATGEOS,
        THIRTYS,
        _next_max_id,
    )
    for side in ("followers", "following")
)
ACCOUNTS = Walk(
    "/v2/fbsearch/accounts",
    {"query": "an"},
    {"query": "er"},
    "page_token",
    Accounts,
    lambda page: list(page.users),
    lambda page: page.page_token,
    lambda page: page.rank_token,
)
COMMENTS = _raw(
    "/v2/media/comments",
    "page_id",
    Comments,
    lambda page: list(page.response.comments),
    {"id": listed_pk(TALKED_ABOUT)},
    {"id": listed_pk(0)},
    lambda page: page.response.next_min_id,
)
REPLIES = Walk(
    "/v2/media/comments/replies",
    {"media_id": listed_pk(TALKED_ABOUT), "comment_id": discussed_pk(TALKED_ABOUT)},
    {"media_id": listed_pk(0), "comment_id": discussed_pk(0)},
    "min_id",
    Replies,
    lambda page: list(page.child_comments),
    lambda page: page.next_min_child_cursor,
)
RECENT, TOP = (
    _raw(
        f"/v2/hashtag/medias/{order}",
        "page_id",
        Sections,
        media_in,
        {"name": "rooftops"},
        {"name": "sunset"},
        _next_max_id,
    )
    for order in ("recent", "top")
)
RECENT_PLACE, TOP_PLACE = (
    chunk(f"/v1/location/medias/{order}/chunk", "max_id", PLACE, OTHER_PLACE) for order in ("recent", "top")
)
WALKS = (
    *(MEDIAS, CHUNK, CLIPS, TAGGED, FOLLOWERS, FOLLOWING, ACCOUNTS),
    *(COMMENTS, REPLIES, RECENT, TOP, RECENT_PLACE, TOP_PLACE),
)
OPAQUE = tuple(walk for walk in WALKS if walk is not CHUNK)  # whose cursors are not the ids of posts
