"""Every row of the vendor's error table, and what a broken upstream makes of HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest

from gateway.errors import (
    GatewayError,
    InsufficientFunds,
    NotFound,
    PrivateAccount,
    UpstreamInvalidAnswer,
    UpstreamRateLimited,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnauthorized,
    UpstreamUnavailable,
)
from gateway.reads.endpoints import Call
from gateway.upstream.client.client import Policy
from gateway.upstream.hikerapi import endpoints
from tests.upstream.harness import NATGEO, SALWA, TRAY, Step, Upstream, answer

HTML = b"<!doctype html><title>Just a moment...</title>"
ONCE = Policy(attempts=1)


@dataclass(frozen=True)
class Row:
    reply: httpx.Response
    problem: type[GatewayError]
    charged: bool


def detail(status: int, exc_type: str, **headers: str) -> httpx.Response:
    return answer(status, {"detail": "their text", "exc_type": exc_type}, x_hiker_info='{"reqs": 2}', **headers)


def state(status: int, **fields: str) -> httpx.Response:
    return answer(status, {"state": False, "error": "their text", **fields}, x_hiker_info="reqs=2")


ROWS = {
    "400": Row(detail(400, "ValidationError"), UpstreamRejected, True),
    "401": Row(state(401), UpstreamUnauthorized, False),
    "402": Row(state(402, exc_type="InsufficientFunds"), InsufficientFunds, False),
    "403 private": Row(detail(403, "PrivateAccount"), PrivateAccount, True),
    "403 other": Row(detail(403, "Forbidden"), UpstreamRejected, True),
    "403 of the account layer": Row(state(403), UpstreamRejected, True),
    "403 of the edge": Row(answer(403, b"error code: 1010"), UpstreamRejected, False),
    "403 of the edge in HTML": Row(answer(403, HTML), UpstreamRejected, False),
    "403 garbled, with a price": Row(answer(403, b'{"exc_t', x_hiker_info='{"reqs": 2}'), UpstreamRejected, True),
    "404 user": Row(detail(404, "UserNotFound"), NotFound, True),
    "404 other": Row(detail(404, "HighlightNotFound"), NotFound, True),
    "404 of an unknown path": Row(answer(404, {"detail": "Not Found"}), UpstreamInvalidAnswer, True),
    "404 with an odd type": Row(answer(404, {"exc_type": 7}), UpstreamInvalidAnswer, True),
    "404 of a proxy": Row(answer(404, HTML), UpstreamInvalidAnswer, True),
    "404 as a list": Row(answer(404, b"[1]"), UpstreamInvalidAnswer, True),
    "404 of a failing platform": Row(detail(404, "InstagramServerError"), UpstreamUnavailable, True),
    "400 of a failing platform": Row(detail(400, "InternalError"), UpstreamUnavailable, True),
    "403 of a failing platform": Row(detail(403, "InstagramGatewayError"), UpstreamUnavailable, True),
    "404 of the platform's limit": Row(detail(404, "InstagramRateLimitError"), UpstreamRateLimited, True),
    "404 of an unknown type": Row(detail(404, "ChallengeRequired"), UpstreamRejected, True),
    "404 of something that was not asked for": Row(detail(404, "SessionNotFound"), UpstreamRejected, True),
    "401 of a failing platform": Row(detail(401, "InstagramServerError"), UpstreamUnavailable, False),
    "422 of a failing platform": Row(detail(422, "InternalError"), UpstreamUnavailable, False),
    "503 of the platform's limit": Row(detail(503, "InstagramRateLimitError"), UpstreamUnavailable, False),
    "404 private": Row(detail(404, "PrivateAccount"), PrivateAccount, True),
    "400 user": Row(detail(400, "UserNotFound"), NotFound, True),
    "403 of an empty account": Row(detail(403, "InsufficientFunds"), InsufficientFunds, True),
    "408": Row(answer(408, b""), UpstreamUnavailable, False),
    "425": Row(answer(425, b""), UpstreamUnavailable, False),
    "410": Row(detail(410, "EndpointDeprecated"), UpstreamRejected, False),
    "422": Row(answer(422, {"detail": [{"loc": ["query", "user_id"], "msg": "m"}]}), UpstreamRejected, False),
    "418": Row(answer(418, b""), UpstreamRejected, False),
    "429": Row(answer(429, b""), UpstreamRateLimited, False),
    "500": Row(detail(500, "InstagramServerError"), UpstreamUnavailable, False),
    "502": Row(answer(502, HTML), UpstreamUnavailable, False),
    "503": Row(detail(503, "InternalError"), UpstreamUnavailable, False),
    "504": Row(detail(504, "InstagramGatewayError"), UpstreamUnavailable, False),
    "520": Row(answer(520, HTML), UpstreamUnavailable, False),
    "302": Row(answer(302, b"", location="https://elsewhere.test/"), UpstreamInvalidAnswer, False),
    "204": Row(answer(204, b""), UpstreamInvalidAnswer, False),
    "200 in HTML": Row(answer(200, HTML), UpstreamInvalidAnswer, True),
    "200 truncated": Row(answer(200, TRAY[:-20]), UpstreamInvalidAnswer, True),
    "200 empty": Row(answer(200, b""), UpstreamInvalidAnswer, True),
    "200 of another shape": Row(answer(200, {"response": []}), UpstreamInvalidAnswer, True),
    "200 of an empty account": Row(state(200, exc_type="InsufficientFunds"), InsufficientFunds, True),
    "200 of an absence": Row(detail(200, "UserNotFound"), NotFound, True),
    "200 private": Row(detail(200, "PrivateAccount"), PrivateAccount, True),
    "200 of a failing platform": Row(detail(200, "InstagramServerError"), UpstreamUnavailable, True),
    "200 with an error of no type": Row(state(200), UpstreamInvalidAnswer, True),
    "200 that is no UTF-8": Row(answer(200, b'[{"pk": "\xff\xfe'), UpstreamInvalidAnswer, True),
    "200 nested without end": Row(answer(200, b"[" * 100_000), UpstreamInvalidAnswer, True),
}


@pytest.mark.parametrize("name", ROWS)
async def test_each_answer_is_one_typed_error_with_its_charge(name: str) -> None:
    row = ROWS[name]
    upstream = Upstream(row.reply)
    outcome = await upstream.api(policy=ONCE).fetch(NATGEO)
    assert type(outcome.problem) is row.problem
    assert (outcome.charged, outcome.in_doubt) == (2 if row.charged else 0, False)
    assert (outcome.value, outcome.body, outcome.attempts) == (None, b"", 1)
    [attempt] = upstream.attempts
    assert (attempt.endpoint, attempt.status, attempt.charged, attempt.error) == (
        "tray",
        row.reply.status_code,
        outcome.charged,
        row.problem.code,
    )


@pytest.mark.parametrize("name", ROWS)
async def test_no_message_quotes_the_upstream(name: str) -> None:
    outcome = await Upstream(ROWS[name].reply).api(policy=ONCE).fetch(NATGEO)
    assert outcome.problem is not None
    for theirs in ("their text", "http", "doctype", "/v1/", "exc_type", "reqs"):
        assert theirs not in outcome.problem.message


@pytest.mark.parametrize("status", [400, 403, 404])
async def test_trouble_that_was_charged_says_so_and_is_asked_once(status: int) -> None:
    upstream = Upstream(detail(status, "InstagramServerError"))
    outcome = await upstream.api().fetch(NATGEO)
    assert isinstance(outcome.problem, UpstreamUnavailable)
    assert (outcome.problem.extensions["charged"], outcome.charged, outcome.attempts) == (2, 2, 1)


SUBJECTS = [
    (Call(endpoints.PROFILE_BY_USERNAME, "nobody"), "User 'nobody' was not found."),
    (Call(endpoints.HIGHLIGHT, "1"), "Highlight '1' was not found."),
    (Call(endpoints.ITEM, "2"), "Item '2' was not found."),
]


@pytest.mark.parametrize(("call", "message"), SUBJECTS)
async def test_a_message_names_what_was_asked(call: Call, message: str) -> None:
    outcome = await Upstream(detail(404, "UserNotFound")).api().fetch(call)
    assert outcome.problem is not None
    assert outcome.problem.message == message


async def hang(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("no answer")


class Tearing(httpx.AsyncByteStream):
    def __init__(self, error: Exception) -> None:
        self.error = error

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield TRAY[:100]
        raise self.error


def tearing(status: int, error: Exception) -> Step:
    async def play(request: httpx.Request) -> httpx.Response:
        return httpx.Response(status, stream=Tearing(error))

    return play


async def gibberish(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, stream=Tearing(ValueError()), headers={"content-encoding": "gzip"})


IN_DOUBT: dict[str, tuple[Step, type[GatewayError]]] = {
    "no answer in time": (hang, UpstreamTimeout),
    "the request went out slowly": (httpx.WriteTimeout("slow"), UpstreamTimeout),
    "no HTTP": (httpx.DecodingError("not HTTP"), UpstreamInvalidAnswer),
    "an unforeseen error of the transport": (RuntimeError("session is closed"), UpstreamInvalidAnswer),
    "200 torn": (tearing(200, httpx.ReadError("reset")), UpstreamInvalidAnswer),
    "200 stuck": (tearing(200, httpx.ReadTimeout("stuck")), UpstreamTimeout),
    "200 torn, as aiohttp says it": (tearing(200, httpx.ConnectTimeout("lost")), UpstreamInvalidAnswer),
    "404 torn": (tearing(404, httpx.ReadError("reset")), UpstreamInvalidAnswer),
    "403 torn": (tearing(403, httpx.ReadError("reset")), UpstreamInvalidAnswer),
    "200 wrongly compressed": (gibberish, UpstreamInvalidAnswer),
}


@pytest.mark.parametrize("name", IN_DOUBT)
async def test_what_may_have_been_charged_counts_as_charged_and_is_not_repeated(name: str) -> None:
    """The budget may be underspent, never overspent."""
    step, problem = IN_DOUBT[name]
    upstream = Upstream(step)
    outcome = await upstream.api().fetch(NATGEO)
    assert type(outcome.problem) is problem
    assert (outcome.charged, outcome.in_doubt, outcome.attempts) == (2, True, 1)
    assert [attempt.charged for attempt in upstream.attempts] == [2]


@pytest.mark.parametrize("status", [401, 402, 410, 503])
async def test_a_status_that_is_never_charged_needs_no_body(status: int) -> None:
    outcome = await Upstream(tearing(status, httpx.ReadError("reset"))).api(policy=ONCE).fetch(SALWA)
    assert outcome.problem is not None
    assert outcome.problem.code != "UPSTREAM_INVALID_ANSWER"
    assert (outcome.charged, outcome.in_doubt) == (0, False)
