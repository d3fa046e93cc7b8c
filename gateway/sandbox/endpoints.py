"""The endpoints of the read API: parameter, price and handler of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starlette.datastructures import QueryParams

from gateway.sandbox import posts
from gateway.sandbox.answers import Answers, Question
from gateway.sandbox.replies import ReadError, missing_parameter, refusal

Answer = Callable[[Answers, Question], bytes]
FORCE = {"on": True, "true": True, "1": True, "off": False, "false": False, "0": False, "": False}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint. `parameter` is required. Prices are in billed requests; with `forced`, amount and force apply."""

    path: str
    parameter: str
    price: int
    answer: Answer
    forced: int | None = None

    def price_of(self, query: QueryParams) -> int:
        is_forced = FORCE.get(query.get("force", "").lower(), False)
        return self.forced if self.forced is not None and is_forced else self.price

    def question(self, query: QueryParams) -> Question:
        """Parse the query. Raises ReadError."""
        if self.parameter not in query:
            raise ReadError(missing_parameter(self.parameter))
        value = query[self.parameter]
        if self.forced is None:
            return Question(value)
        return Question(value, _amount(query.get("amount", "0")), _force(query.get("force", "")))


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
)
BALANCE = "/sys/balance"
