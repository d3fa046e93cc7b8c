"""The list endpoints, hashtags and locations: their requests, answers, refusals and charges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest

from gateway.domain.list_pages import BEGINNING, CommentPage, ListPage
from gateway.domain.partial import lost
from gateway.errors import (
    CursorExpired,
    GatewayError,
    InsufficientFunds,
    NotFound,
    PrivateAccount,
    UpstreamInvalidAnswer,
    UpstreamRateLimited,
    UpstreamRejected,
    UpstreamUnauthorized,
    UpstreamUnavailable,
)
from gateway.events import PriceMismatch, ResponseSchemaMismatch
from gateway.reads.endpoints import Call
from gateway.reads.port import ReadOutcome
from gateway.upstream.client.client import Policy
from gateway.upstream.client.decoding import MOST_VALUES
from gateway.upstream.hikerapi import endpoints, list_endpoints
from tests.upstream.harness import Upstream, answer
from tests.upstream.hikerapi.list_answers import (
    ALL,
    COMMENTS,
    COUNTS,
    CURSOR,
    HASHTAG,
    LISTS,
    LOCATION,
    PAGED,
    REPLIES,
    Documented,
    is_like,
    label,
)

ONCE = Policy(attempts=1)
THEIRS = ("their text", "exc_type", "reqs", "doctype", "/v1/", "/v2/", "/g2/", "/gql/", CURSOR)
HTML = b"<!doctype html><title>Just a moment...</title>"


def fits(status: int, body: object, **headers: str) -> httpx.Response:
    return answer(status, body, x_hiker_info='{"reqs": 1}', **headers)


def detail(status: int, exc_type: str) -> httpx.Response:
    return fits(status, {"detail": "their text", "exc_type": exc_type})


def state(status: int, **fields: str) -> httpx.Response:
    return fits(status, {"state": False, "error": "their text", **fields})


async def fetched(call: Call, reply: httpx.Response) -> ReadOutcome:
    return await Upstream(reply).api(policy=ONCE).fetch(call)


def test_each_endpoint_of_lists_is_covered() -> None:
    assert {row.endpoint for row in ALL} == {*list_endpoints.ENDPOINTS, endpoints.HASHTAG, endpoints.LOCATION}


# -- requests


@pytest.mark.parametrize("row", ALL, ids=label)
async def test_a_request_has_the_documented_path_and_parameters(row: Documented) -> None:
    upstream = Upstream(fits(200, row.body(row.entry)))
    outcome = await upstream.api().fetch(row.call())
    assert outcome.problem is None
    [request] = upstream.requests
    assert request.method == "GET"
    assert request.url.path == row.path
    assert dict(parse_qsl(request.url.query.decode(), strict_parsing=True)) == row.query
    assert (row.endpoint.price, row.endpoint.forced_price) == (row.price, row.forced)


@pytest.mark.parametrize("row", PAGED, ids=label)
async def test_a_cursor_is_sent_as_it_came(row: Documented) -> None:
    """A `+` that is not escaped would arrive as a space, and the refusal is charged."""
    upstream = Upstream(fits(200, row.body(row.entry, next_=CURSOR)))
    api = upstream.api()
    first = await api.fetch(row.call())
    assert isinstance(first.value, ListPage)
    assert first.value.next == CURSOR
    await api.fetch(row.call(first.value.next))
    query = upstream.requests[1].url.query.decode()
    assert dict(parse_qsl(query, strict_parsing=True)) == {**row.query, row.cursor: CURSOR}
    assert not set("+/ \u00e9") & set(query)
    assert query.isascii()


@pytest.mark.parametrize("row", PAGED, ids=label)
def test_the_mark_of_the_first_page_is_not_sent(row: Documented) -> None:
    assert row.endpoint.target(row.call(BEGINNING)) == row.endpoint.target(row.call())


@pytest.mark.parametrize("row", ALL, ids=label)
async def test_only_what_has_a_forced_price_is_forced(row: Documented) -> None:
    if row.forced is None:
        with pytest.raises(ValueError, match="cannot be forced"):
            row.call(forced=True)
        return
    upstream = Upstream(answer(200, row.body(row.entry), x_hiker_info=f"reqs={row.forced}"))
    outcome = await upstream.api().fetch(row.call(forced=True))
    assert dict(parse_qsl(upstream.requests[0].url.query.decode())) == {**row.query, "force": "on"}
    assert (outcome.problem, outcome.charged, upstream.seen(PriceMismatch)) == (None, row.forced, [])


# -- answers


def entries_of(outcome: ReadOutcome) -> list[str]:
    """The ids of what was decoded."""
    assert outcome.problem is None
    value: Any = outcome.value
    if isinstance(value, ListPage):
        return [str(getattr(entry, "id", None) or entry.pk) for entry in value.entries]
    return [value.id] if hasattr(value, "posts") else [f"location:{value.pk}"]


@pytest.mark.parametrize("row", ALL, ids=label)
async def test_an_answer_is_decoded_and_its_cached_form_is_too(row: Documented) -> None:
    upstream = Upstream(fits(200, row.body(row.entry)))
    outcome = await upstream.api().fetch(row.call())
    assert entries_of(outcome) == [row.id]
    assert row.call().read(outcome.body) == outcome.value
    assert (outcome.charged, outcome.in_doubt, upstream.seen(ResponseSchemaMismatch)) == (1, False, [])


@pytest.mark.parametrize("row", ALL, ids=label)
async def test_a_price_that_is_not_the_listed_one_is_charged_and_reported(row: Documented) -> None:
    upstream = Upstream(answer(200, row.body(row.entry), x_hiker_info="reqs=3"))
    outcome = await upstream.api().fetch(row.call())
    [event] = upstream.seen(PriceMismatch)
    assert (outcome.charged, event.expected, event.charged) == (3, row.price, 3)


@pytest.mark.parametrize("row", PAGED, ids=label)
@pytest.mark.parametrize("cursor", [None, ""])
async def test_the_last_page_has_no_cursor(row: Documented, cursor: str | None) -> None:
    outcome = await fetched(row.call("c"), fits(200, row.body(row.entry, next_=cursor)))
    assert isinstance(outcome.value, ListPage)
    assert outcome.value.next is None


@pytest.mark.parametrize("row", [row for row in LISTS if row.is_list], ids=label)
async def test_an_empty_page_is_one(row: Documented) -> None:
    outcome = await fetched(row.call(), fits(200, row.body(next_="c")))
    assert isinstance(outcome.value, ListPage)
    assert (outcome.value.entries, outcome.value.next) == ((), "c" if row.cursor else None)


@pytest.mark.parametrize("cursor", ["", CURSOR])
@pytest.mark.parametrize("row", LISTS, ids=label)
async def test_entries_not_found_is_an_empty_list(row: Documented, cursor: str) -> None:
    """In the middle of a list it is the end: the platform gave up."""
    if cursor and not row.cursor:
        return
    call = row.call(cursor)
    outcome = await fetched(call, detail(404, "NotFoundError"))
    assert isinstance(outcome.value, ListPage)
    assert (outcome.problem, outcome.value.entries, outcome.value.next, outcome.charged) == (None, (), None, 1)
    assert call.read(outcome.body) == outcome.value


@pytest.mark.parametrize("row", [COUNTS, HASHTAG, LOCATION], ids=label)
async def test_an_object_that_is_not_found_is_not_empty(row: Documented) -> None:
    outcome = await fetched(row.call(), detail(404, "NotFoundError"))
    assert (type(outcome.problem), outcome.value, outcome.charged) == (NotFound, None, 1)


# -- refusals


@dataclass(frozen=True)
class Row:
    """`cursor` is the error of a page after the first, where it is another one."""

    reply: httpx.Response
    problem: type[GatewayError]
    charged: int
    cursor: type[GatewayError] | None = None


ROWS = {
    "400": Row(detail(400, "ValidationError"), UpstreamRejected, 1, CursorExpired),
    "400 of no type": Row(fits(400, {"detail": "their text"}), UpstreamRejected, 1, CursorExpired),
    "400 of the account layer": Row(state(400), UpstreamRejected, 1, CursorExpired),
    "400 user": Row(detail(400, "UserNotFound"), NotFound, 1),
    "400 of a failing platform": Row(detail(400, "InternalError"), UpstreamUnavailable, 1),
    "400 of an empty account": Row(detail(400, "InsufficientFunds"), InsufficientFunds, 1),
    "401": Row(state(401), UpstreamUnauthorized, 0),
    "402": Row(state(402, exc_type="InsufficientFunds"), InsufficientFunds, 0),
    "403 private": Row(detail(403, "PrivateAccount"), PrivateAccount, 1),
    "403 of a wall": Row(detail(403, "LoginRequired"), UpstreamRejected, 1),
    "403 of the edge": Row(answer(403, b"error code: 1010"), UpstreamRejected, 0),
    "403 of the edge in HTML": Row(answer(403, HTML), UpstreamRejected, 0),
    "404 user": Row(detail(404, "UserNotFound"), NotFound, 1),
    "404 media": Row(detail(404, "MediaNotFound"), NotFound, 1),
    "404 hashtag": Row(detail(404, "HashtagNotFound"), NotFound, 1),
    "404 location": Row(detail(404, "LocationNotFound"), NotFound, 1),
    "404 comment": Row(detail(404, "CommentNotFound"), NotFound, 1),
    "404 story": Row(detail(404, "StoryNotFound"), NotFound, 1),
    "404 of a path": Row(fits(404, {"detail": "Not Found"}), UpstreamInvalidAnswer, 1),
    "404 of a proxy": Row(fits(404, HTML), UpstreamInvalidAnswer, 1),
    "404 of another type": Row(detail(404, "ChallengeRequired"), UpstreamRejected, 1),
    "414": Row(fits(414, b"<h1>414 Request-URI Too Large</h1>"), UpstreamRejected, 0),
    "422": Row(fits(422, {"detail": [{"loc": ["query", "id"], "msg": "m", "type": "t"}]}), UpstreamRejected, 0),
    "429": Row(fits(429, b""), UpstreamRateLimited, 0),
    "500": Row(detail(500, "InstagramServerError"), UpstreamUnavailable, 0),
    "503": Row(detail(503, "InternalError"), UpstreamUnavailable, 0),
    "504": Row(detail(504, "InstagramGatewayError"), UpstreamUnavailable, 0),
    "200 of an empty account": Row(state(200, exc_type="InsufficientFunds"), InsufficientFunds, 1),
    "200 of an absence": Row(detail(200, "UserNotFound"), NotFound, 1),
    "200 private": Row(detail(200, "PrivateAccount"), PrivateAccount, 1),
    "200 of a failing platform": Row(detail(200, "InstagramServerError"), UpstreamUnavailable, 1),
    "200 with an error of no type": Row(state(200), UpstreamInvalidAnswer, 1),
    "200 with a detail of no type": Row(fits(200, {"detail": "their text"}), UpstreamInvalidAnswer, 1),
    "200 as an empty object": Row(fits(200, {}), UpstreamInvalidAnswer, 1),
    "200 in HTML": Row(fits(200, HTML), UpstreamInvalidAnswer, 1),
    "200 of nothing": Row(fits(200, b""), UpstreamInvalidAnswer, 1),
    "200 of null": Row(fits(200, b"null"), UpstreamInvalidAnswer, 1),
    "200 of a text": Row(fits(200, b'"[]"'), UpstreamInvalidAnswer, 1),
    "200 broken off": Row(fits(200, b'{"response": {"items": [{"pk": 1'), UpstreamInvalidAnswer, 1),
    "200 that is no UTF-8": Row(fits(200, b'[[{"pk": "\xff\xfe'), UpstreamInvalidAnswer, 1),
    "200 nested without end": Row(fits(200, b"[" * 100_000), UpstreamInvalidAnswer, 1),
    "200 of too many values": Row(fits(200, b"[" + b"0," * MOST_VALUES + b"0]"), UpstreamInvalidAnswer, 1),
}


@pytest.mark.parametrize("name", ROWS)
async def test_each_refusal_is_one_typed_error_with_its_charge(name: str) -> None:
    row = ROWS[name]
    calls = [(each.call(), row.problem) for each in ALL]
    calls += [(each.call(CURSOR), row.cursor or row.problem) for each in PAGED]
    outcomes = [await fetched(call, row.reply) for call, _ in calls]
    assert summary(outcomes) == {
        (call.endpoint.label, call.cursor): (problem, row.charged, False) for call, problem in calls
    }
    for outcome in outcomes:
        assert (outcome.value, outcome.body, outcome.attempts) == (None, b"", 1)
        assert not [theirs for theirs in THEIRS if theirs in str(outcome.problem)]


def summary(outcomes: list[ReadOutcome]) -> dict[tuple[str, str], tuple[type, int, bool]]:
    return {
        (outcome.call.endpoint.label, outcome.call.cursor): (type(outcome.problem), outcome.charged, outcome.in_doubt)
        for outcome in outcomes
    }


@pytest.mark.parametrize("row", ALL, ids=label)
async def test_a_retired_endpoint_costs_nothing(row: Documented) -> None:
    """A cursor of it is dead as well, where another endpoint takes its place."""
    for cursor in ("", CURSOR) if row.cursor else ("",):
        outcome = await fetched(row.call(cursor), detail(410, "EndpointDeprecated"))
        problem = CursorExpired if cursor and row.endpoint.fallbacks else UpstreamRejected
        assert (type(outcome.problem), outcome.charged, outcome.value) == (problem, 0, None)


@pytest.mark.parametrize("row", PAGED, ids=label)
@pytest.mark.parametrize(("info", "charged"), [("reqs=1", 1), ("reqs=0", 0), ('{"reqs": 2}', 2)])
async def test_a_dead_cursor_says_what_it_cost_and_what_starting_over_costs(
    row: Documented, info: str, charged: int
) -> None:
    reply = answer(400, {"detail": "The cursor has expired", "exc_type": "ValidationError"}, x_hiker_info=info)
    outcome = await fetched(row.call(CURSOR), reply)
    assert isinstance(outcome.problem, CursorExpired)
    assert outcome.charged == charged
    details = {key: value for key, value in outcome.problem.extensions.items() if key != "code"}
    assert details == {"startOverCosts": row.price, **({"charged": charged} if charged else {})}
    assert CURSOR not in outcome.problem.message


async def test_a_first_page_is_refused_for_no_cursor() -> None:
    """`BEGINNING` marks the first page where other entries come before it, and is sent as no cursor at all."""
    outcome = await fetched(REPLIES.call(BEGINNING), detail(400, "ValidationError"))
    assert type(outcome.problem) is UpstreamRejected


# -- other answers than the requested one


@pytest.mark.parametrize("row", ALL, ids=label)
async def test_the_answer_of_another_endpoint_is_refused(row: Documented) -> None:
    accepted = set()
    for other in ALL:
        outcome = await fetched(row.call(), fits(200, other.body(other.entry, next_="c")))
        assert outcome.charged == 1
        if outcome.problem is None:
            accepted.add(label(other))
        else:
            assert type(outcome.problem) is UpstreamInvalidAnswer
    assert accepted == {label(other) for other in ALL if is_like(row, other)}


@pytest.mark.parametrize("row", [row for row in LISTS if row.is_list], ids=label)
async def test_an_entry_that_is_none_is_left_out_and_reported(row: Documented) -> None:
    upstream = Upstream(fits(200, row.body(row.odd, row.entry, next_="c")))
    outcome = await upstream.api().fetch(row.call())
    assert entries_of(outcome) == [row.id]
    assert lost(outcome.value, "entries") == 1
    [event] = upstream.seen(ResponseSchemaMismatch)
    assert (event.endpoint, event.paths) == (label(row), ("entries[0]",))
    again = row.call().read(outcome.body)
    assert (again, lost(again, "entries")) == (outcome.value, 1)


@pytest.mark.parametrize("row", [HASHTAG, LOCATION], ids=label)
async def test_an_object_without_its_key_is_no_answer(row: Documented) -> None:
    outcome = await fetched(row.call(), fits(200, row.entry | row.odd))
    assert (type(outcome.problem), outcome.charged) == (UpstreamInvalidAnswer, 1)


async def test_a_malformed_id_is_found_beside_an_entry_that_is_none() -> None:
    """As it is without one: an answer that is read part by part has the same rules."""
    row = LISTS[4]
    for odd in ([], [row.odd]):
        entries = [row.entry, row.entry | {"pk": "no id", "id": "no id"}, *odd]
        outcome = await fetched(row.call(), fits(200, row.body(*entries)))
        assert entries_of(outcome) == [row.id]
        assert lost(outcome.value, "entries") == 1 + len(odd)


@pytest.mark.parametrize("pk", ["no id", "1/2"])
async def test_the_ids_of_replies_beside_a_comment_are_checked(pk: str) -> None:
    odd = COMMENTS.entry | {"pk": pk}
    beside = [COMMENTS.entry | {"pk": "31"}, odd, COMMENTS.entry | {"pk": "32", "user": {"pk": pk}}]
    comment = COMMENTS.entry | {"preview_child_comments": beside}
    outcome = await fetched(COMMENTS.call(), fits(200, COMMENTS.body(comment)))
    assert isinstance(outcome.value, CommentPage)
    ((first, last),) = [entry.replies for entry in outcome.value.entries]
    assert (first.pk, last.pk, last.author) == ("31", "32", None)


async def test_replies_on_another_post_are_no_answer() -> None:
    comment = COMMENTS.entry | {"preview_child_comments": [COMMENTS.entry | {"pk": "31", "media_id": "12"}]}
    outcome = await fetched(COMMENTS.call(), fits(200, COMMENTS.body(comment)))
    assert (type(outcome.problem), outcome.charged) == (UpstreamInvalidAnswer, 1)
