"""The endpoints of the read API: parameter, price and handler of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starlette.datastructures import QueryParams

from gateway.sandbox import comments, feeds, hashtags, people, places, posts
from gateway.sandbox.answers import Answers, Question
from gateway.sandbox.replies import ReadError, missing_parameter, refusal

Answer = Callable[[Answers, Question], bytes]
FORCE = {"on": True, "true": True, "1": True, "off": False, "false": False, "0": False, "": False}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint. `parameter` is required, and so is `other` if it has one. Prices are in billed requests.

    With `forced`, force and amount apply; with `is_cut`, amount alone. `cursor` is the parameter of a later page.
    """

    path: str
    parameter: str
    price: int
    answer: Answer
    forced: int | None = None
    other: str | None = None
    cursor: str | None = None
    is_cut: bool = False

    def price_of(self, query: QueryParams) -> int:
        is_forced = FORCE.get(query.get("force", "").lower(), False)
        return self.forced if self.forced is not None and is_forced else self.price

    def question(self, query: QueryParams) -> Question:
        """Parse the query. Raises ReadError."""
        for name in (self.parameter, self.other):
            if name is not None and name not in query:
                raise ReadError(missing_parameter(name))
        has_force = self.forced is not None
        return Question(
            query[self.parameter],
            _amount(query.get("amount", "0")) if has_force or self.is_cut else 0,
            _force(query.get("force", "")) if has_force else False,
            other=query[self.other] if self.other else "",
            cursor=query.get(self.cursor, "") if self.cursor else "",
            path=self.path,
            safe_int=FORCE.get(query.get("safe_int", "").lower(), False),
        )


def _amount(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ReadError(refusal(400, "amount must be a number"))
    return int(text)


def _force(text: str) -> bool:
    if text.lower() not in FORCE:
        raise ReadError(refusal(400, "force must be on or off"))
    return FORCE[text.lower()]


ENDPOINTS = (
    Endpoint("/v1/highlight/by/url", "url", 1, Answers.highlight_by_url),
    Endpoint("/v1/highlight/by/id", "id", 1, Answers.highlight_by_id),
    Endpoint("/v1/user/highlights", "user_id", 2, Answers.tray_by_id, forced=1),
    Endpoint("/v1/user/highlights/by/username", "username", 3, Answers.tray_by_name, forced=2),
    Endpoint("/v1/user/by/id", "id", 1, Answers.profile_by_id),
    Endpoint("/v1/user/by/username", "username", 1, Answers.profile_by_name),
    Endpoint("/v1/user/stories", "user_id", 2, Answers.stories_by_id, forced=1),
    Endpoint("/v1/user/stories/by/username", "username", 3, Answers.stories_by_name, forced=2),
    Endpoint("/v1/story/by/id", "id", 1, Answers.story_by_id),
    Endpoint("/v1/share/by/url", "url", 1, Answers.share_by_url),
    Endpoint("/v1/media/by/id", "id", 1, posts.post_by_id),
    Endpoint("/v1/media/by/code", "code", 1, posts.post_by_code),
    Endpoint("/v1/media/by/url", "url", 1, posts.post_by_url),
    Endpoint("/g2/user/medias", "user_id", 1, feeds.medias, cursor="next_page_id"),
    Endpoint("/v1/user/medias/chunk", "user_id", 1, feeds.medias_chunk, cursor="end_cursor"),
    Endpoint("/v1/user/medias/pinned", "user_id", 1, feeds.pinned_medias, is_cut=True),
    Endpoint("/v1/user/clips/chunk", "user_id", 1, feeds.clips_chunk, cursor="end_cursor"),
    Endpoint("/v1/user/tag/medias/chunk", "user_id", 1, feeds.tagged_chunk, cursor="max_id"),
    Endpoint("/g2/user/followers", "user_id", 1, people.followers, cursor="page_id"),
    Endpoint("/g2/user/following", "user_id", 1, people.following, cursor="page_id"),
    Endpoint("/v1/user/followers/chunk", "user_id", 1, people.followers_chunk, cursor="max_id"),
    Endpoint("/v1/user/following/chunk", "user_id", 1, people.following_chunk, cursor="max_id"),
    Endpoint("/v1/user/search/followers", "user_id", 2, people.search_followers, forced=1, other="query"),
    Endpoint("/v1/user/search/following", "user_id", 2, people.search_following, forced=1, other="query"),
    Endpoint("/gql/user/about", "id", 1, people.about),
    Endpoint("/v2/fbsearch/accounts", "query", 1, people.accounts, cursor="page_token"),
    Endpoint("/v2/media/comments", "id", 1, comments.comments, cursor="page_id"),
    Endpoint("/v2/media/comments/replies", "media_id", 1, comments.replies, other="comment_id", cursor="min_id"),
    Endpoint("/v2/media/comments/infos", "media_ids", 1, comments.infos),
    Endpoint("/v2/media/likers", "id", 1, comments.likers),
    Endpoint("/v1/media/likers", "id", 1, comments.likers_array),
    Endpoint("/v1/hashtag/by/name", "name", 1, hashtags.by_name),
    Endpoint("/v2/hashtag/medias/recent", "name", 1, hashtags.recent, cursor="page_id"),
    Endpoint("/v2/hashtag/medias/top", "name", 1, hashtags.top, cursor="page_id"),
    Endpoint("/v1/search/hashtags", "query", 1, hashtags.search),
    Endpoint("/g2/location/by/id", "id", 1, places.by_id),
    Endpoint("/v1/location/search", "lat", 1, places.near, other="lng"),
    Endpoint("/v2/fbsearch/places", "query", 1, places.search),
    Endpoint("/v1/location/medias/recent/chunk", "location_pk", 1, places.recent_chunk, cursor="max_id"),
    Endpoint("/v1/location/medias/top/chunk", "location_pk", 1, places.top_chunk, cursor="max_id"),
)
BALANCE = "/sys/balance"
