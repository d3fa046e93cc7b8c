"""Answers of the list endpoints, of hashtags and of locations that are about another object than the requested one."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from gateway.errors import UpstreamInvalidAnswer
from gateway.reads.endpoints import Call
from gateway.reads.port import ReadOutcome
from gateway.upstream.hikerapi import endpoints
from tests.upstream.harness import Upstream, answer
from tests.upstream.hikerapi import list_answers
from tests.upstream.hikerapi.list_answers import COMMENTS, HASHTAG, LOCATION, REPLIES, Documented


async def fetched(call: Call, reply: httpx.Response) -> ReadOutcome:
    return await Upstream(reply).api().fetch(call)


def fits(status: int, body: object) -> httpx.Response:
    return answer(status, body, x_hiker_info="reqs=1")


OTHERS: dict[str, tuple[Documented, Any]] = {
    "a hashtag of another name": (HASHTAG, list_answers.TAG | {"name": "lovely"}),
    "a location of another pk": (LOCATION, list_answers.PLACE | {"pk": 214}),
    "a location without a pk": (LOCATION, list_answers.PLACE | {"pk": None}),
    "comments on another post": (COMMENTS, COMMENTS.body(list_answers.COMMENT | {"media_id": 12})),
    "replies on another post": (REPLIES, REPLIES.body(list_answers.REPLY | {"media_id": 12})),
}


@pytest.mark.parametrize("name", OTHERS)
async def test_an_answer_about_another_object_is_not_served_under_this_key(name: str) -> None:
    row, body = OTHERS[name]
    outcome = await fetched(row.call(), fits(200, body))
    assert (type(outcome.problem), outcome.value, outcome.charged) == (UpstreamInvalidAnswer, None, 1)


@pytest.mark.parametrize("name", ["love", "Love", "LOVE"])
async def test_a_hashtag_is_the_requested_one_in_any_case(name: str) -> None:
    outcome = await fetched(HASHTAG.call(), fits(200, list_answers.TAG | {"name": name}))
    assert outcome.problem is None


async def test_a_hashtag_is_the_requested_one_in_any_normal_form() -> None:
    composed, decomposed = "caf\u00e9", "cafe\u0301"
    outcome = await fetched(Call(endpoints.HASHTAG, composed), fits(200, list_answers.TAG | {"name": decomposed}))
    assert outcome.problem is None


@pytest.mark.parametrize("pk", [213, "213"])
async def test_a_location_is_the_requested_one_as_number_or_text(pk: object) -> None:
    outcome = await fetched(LOCATION.call(), fits(200, list_answers.PLACE | {"pk": pk}))
    assert outcome.problem is None


async def test_a_comment_that_does_not_name_its_post_is_on_the_requested_one() -> None:
    """Its replies are bought by both numbers."""
    body = {name: value for name, value in list_answers.COMMENT.items() if name != "media_id"}
    outcome = await fetched(COMMENTS.call(), fits(200, COMMENTS.body(body)))
    value: Any = outcome.value
    assert value.entries[0].key is not None
    assert value.entries[0].key.pk == "11 21"
