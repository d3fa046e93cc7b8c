"""The list of a user's live stories, as HikerAPI sends it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from gateway.domain.live_stories import LiveStory
from gateway.domain.partial import WHOLE, left_out, lost
from gateway.errors import NotFound, PrivateAccount, UpstreamInvalidAnswer
from gateway.events import ResponseSchemaMismatch
from gateway.reads.endpoints import Call
from gateway.reads.facts import ANSWERS, FactKind, user_of
from gateway.upstream.hikerapi import endpoints
from tests.upstream.harness import Upstream, answer

BY_ID, BY_NAME = Call(endpoints.STORIES, "7"), Call(endpoints.STORIES_BY_USERNAME, "ann")


def story(pk: str, author: str = "7", **changes: Any) -> dict[str, Any]:
    taken_at = f"2026-03-12T0{pk[-1]}:00:00+00:00"
    named = {"pk": pk, "id": f"{pk}_{author}", "taken_at": taken_at, "user": {"pk": author, "username": None}}
    return named | changes


async def fetched(call: Call, body: object) -> tuple[Any, Upstream]:
    upstream = Upstream(answer(200, body))
    outcome = await upstream.api().fetch(call)
    assert outcome.charged == call.nominal_price
    if outcome.problem is None:
        assert call.read(outcome.body) == outcome.value
    return outcome, upstream


@pytest.mark.parametrize("call", [BY_ID, BY_NAME])
async def test_stories_end_a_day_after_they_were_posted(call: Call) -> None:
    outcome, _ = await fetched(call, [story("12"), story("11")])
    assert [type(each) for each in outcome.value] == [LiveStory, LiveStory]
    assert [each.expires_at for each in outcome.value] == [
        datetime(2026, 3, 13, 2, tzinfo=UTC),
        datetime(2026, 3, 13, 1, tzinfo=UTC),
    ]
    ends_at = ANSWERS[FactKind.STORIES].ends_at
    assert ends_at is not None
    assert ends_at(outcome.value, 0) == datetime(2026, 3, 13, 1, tzinfo=UTC).timestamp()
    assert ends_at((), 0) is None


async def test_stories_by_name_tell_the_id_of_the_user() -> None:
    outcome, _ = await fetched(BY_NAME, [story("11")])
    user = user_of(outcome.value)
    assert user is not None
    assert (user.id, user.username) == ("7", None)


@pytest.mark.parametrize(
    "response",
    [
        httpx.Response(200, json=[]),
        httpx.Response(404, json={"detail": "Entries not found", "exc_type": "NotFoundError"}),
    ],
)
async def test_no_story_is_an_empty_list(response: httpx.Response) -> None:
    outcome = await Upstream(response).api().fetch(BY_ID)
    assert (outcome.value, outcome.problem, outcome.body, outcome.charged) == ((), None, b"[]", 2)


@pytest.mark.parametrize(
    ("status", "exc_type", "problem"), [(404, "UserNotFound", NotFound), (403, "PrivateAccount", PrivateAccount)]
)
async def test_an_absent_and_a_private_user_are_told_apart_from_no_story(
    status: int, exc_type: str, problem: type[Exception]
) -> None:
    response = httpx.Response(status, json={"detail": "no", "exc_type": exc_type})
    outcome = await Upstream(response).api().fetch(BY_ID)
    assert isinstance(outcome.problem, problem)
    assert outcome.charged == 2


async def test_stories_of_others_are_left_out() -> None:
    outcome, upstream = await fetched(BY_ID, [story("11", "8"), story("12"), story("13", "9")])
    assert ([each.pk for each in outcome.value], left_out(outcome.value)) == (["12"], 2)
    assert [event.paths for event in upstream.seen(ResponseSchemaMismatch)] == [("[*].user",)]


@pytest.mark.parametrize(
    "body",
    [
        [story("11", "8"), story("12"), story("13")],
        [story("11", "8"), story("12", "8"), story("13", user={"pk": "7", "username": "Ann"})],
    ],
    ids=["by their number", "by name"],
)
async def test_by_name_the_stories_of_the_most_likely_author_are_kept(body: list[dict[str, Any]]) -> None:
    outcome, _ = await fetched(BY_NAME, body)
    assert {each.author.id for each in outcome.value} == {"7"}
    assert len(outcome.value) + left_out(outcome.value) == 3


async def test_stories_of_another_user_alone_are_no_answer() -> None:
    outcome, _ = await fetched(BY_ID, [story("11", "8")])
    assert isinstance(outcome.problem, UpstreamInvalidAnswer)


async def test_an_odd_story_costs_itself() -> None:
    outcome, _ = await fetched(BY_ID, [story("11", taken_at="yesterday"), {"pk": None}, story("12", user=None)])
    first, second = outcome.value
    assert (first.pk, first.expires_at, lost(first, "expires_at")) == ("11", None, WHOLE)
    assert (second.pk, left_out(outcome.value)) == ("12", 1)
