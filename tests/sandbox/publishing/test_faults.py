"""Failures of write calls: before the work and after it, worded by each dialect, and the waits they ask for."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.types import Message

from gateway.sandbox import ConnectionDropped, Sandbox, create_sandbox
from gateway.sandbox.faults import (
    Accepted,
    AnyFault,
    BareTray,
    DeadKeepAlive,
    EdgeHtml,
    Hang,
    Latency,
    PlatformError,
    Processing,
    Status,
    Truncated,
    Usage,
    When,
)
from gateway.sandbox.publishing.problems import TABLE, Problem
from tests.sandbox.harness import ORIGIN, SteppedClock, client_of
from tests.sandbox.publishing.media import jpeg
from tests.sandbox.publishing.platform_client import NATGEO, SESSION, Press, done, new_key, refused

CREATE = "POST /platform/users/{user_id}/highlights"


def made(sandbox: Sandbox) -> int:
    return len(sandbox.publishing.studio.highlights.all)


@pytest.mark.parametrize("problem", TABLE, ids=lambda row: f"{row.code}-{row.subcode}")
async def test_every_row_of_the_error_table_can_be_asked_for(press: Press, sandbox: Sandbox, problem: Problem) -> None:
    sandbox.faults.lay(PlatformError(code=problem.code, subcode=problem.subcode, times=1))
    response = await press.get("/users/self")
    error = refused(response, problem.code, problem.subcode)
    assert (response.status_code, error["message"]) == (problem.status, problem.message)
    assert error["is_transient"] is problem.is_transient
    assert (await press.get("/users/self")).status_code == 200


async def test_a_code_beyond_the_table_and_another_status_are_taken_as_given(press: Press, sandbox: Sandbox) -> None:
    sandbox.faults.lay(PlatformError(code=368, subcode=1), PlatformError(code=4))
    assert refused(await press.get("/users/self"), 368, 1)
    sandbox.faults.lay(PlatformError(code=4, status=400))
    assert (await press.get("/users/self")).status_code == 400


@pytest.mark.parametrize(("when", "count"), [("before", 0), ("after", 1)])
@pytest.mark.parametrize("fault", [Status, EdgeHtml, PlatformError])
async def test_a_failure_comes_before_the_work_or_after_it(
    press: Press, sandbox: Sandbox, fault: type[Status | EdgeHtml | PlatformError], when: When, count: int
) -> None:
    story, key = (await press.story())["id"], new_key()
    more: dict[str, Any] = {Status: {"status": 500}, EdgeHtml: {}, PlatformError: {"code": -1}}[fault]
    sandbox.faults.lay(fault(when=when, endpoint=CREATE, times=1, **more))
    assert (await press.create([story], key=key)).status_code >= 500
    assert made(sandbox) == count
    answer = done(await press.create([story], key=key), 201)
    assert made(sandbox) == 1, "the key finds what the failed call had made"
    assert done(await press.get("/users/self/highlights"))["data"][0]["pk"] == answer["pk"]


@pytest.mark.parametrize(("when", "count"), [("before", 0), ("after", 1)])
async def test_a_connection_drops_before_the_work_or_after_it(
    press: Press, sandbox: Sandbox, when: When, count: int
) -> None:
    story = (await press.story())["id"]
    sandbox.faults.lay(DeadKeepAlive(when=when))
    with pytest.raises(ConnectionDropped):
        await press.create([story])
    assert (made(sandbox), sandbox.meter.calls[CREATE]) == (count, count)


@pytest.mark.parametrize(("when", "count"), [("before", 0), ("after", 1), (None, 1)])
async def test_a_call_hangs_before_the_work_or_after_it(
    press: Press, sandbox: Sandbox, when: When | None, count: int
) -> None:
    story = (await press.story())["id"]
    sandbox.faults.lay(Hang(when=when))
    call = asyncio.create_task(press.create([story]))
    for _ in range(100):  # turns of the loop, many more than the call needs
        await asyncio.sleep(0)
    assert not call.done()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert (made(sandbox), sandbox.meter.calls[CREATE]) == (count, 1)


async def test_an_answer_breaks_off_after_the_work(press: Press, sandbox: Sandbox) -> None:
    story = (await press.story())["id"]
    sandbox.faults.lay(Truncated(endpoint=CREATE))
    response = await press.create([story])
    with pytest.raises(json.JSONDecodeError):
        response.json()
    assert made(sandbox) == 1
    sandbox.faults.lay(Truncated())
    assert (await press.delete("/highlights/18200000000000000")).status_code == 204


async def test_latency_counts_towards_what_becomes_due(press: Press, sandbox: Sandbox, clock: SteppedClock) -> None:
    medium = done(await press.link(), 202)["id"]
    sandbox.faults.lay(Latency(seconds=1.5))
    assert done(await press.get(f"/media/{medium}"))["status"] == "FINISHED"
    assert clock.seconds == 1.5


async def test_limits_say_when_to_come_back(press: Press, sandbox: Sandbox) -> None:
    sandbox.faults.lay(
        Status(status=429, retry_after=3, times=1),
        PlatformError(code=17, retry_after=0.5, times=1),
        PlatformError(code=80002, regain=4, times=1),
    )
    first, second, third = [await press.get("/users/self") for _ in range(3)]
    assert (first.status_code, first.headers["retry-after"]) == (429, "3")
    assert refused(first, 4)
    assert refused(second, 17)
    assert second.headers["retry-after"] == "0.5"
    assert refused(third, 80002)
    assert "retry-after" not in third.headers
    assert business(third)["estimated_time_to_regain_access"] == 4


def business(response: httpx.Response) -> dict[str, Any]:
    usage = json.loads(response.headers["x-business-use-case-usage"])
    assert usage.keys() == {NATGEO}
    entry: dict[str, Any] = usage[NATGEO][0]
    return entry


async def test_usage_is_told_in_percent_and_ends_in_a_refusal(clock: SteppedClock) -> None:
    app = create_sandbox(clock=clock, base_url=ORIGIN, calls_per_hour=10)
    async with client_of(app) as client:
        press = Press(client)
        shares = []
        for _ in range(10):
            response = await press.get("/users/self")
            assert json.loads(response.headers["x-app-usage"]).keys() == {"call_count", "total_time", "total_cputime"}
            shares.append(business(response)["call_count"])
        assert shares == list(range(10, 101, 10))
        clock.seconds = 600
        wall = await press.get("/users/self")
        assert refused(wall, 4)
        assert (wall.status_code, business(wall)["estimated_time_to_regain_access"]) == (429, 50)
        clock.seconds = 3600
        assert (await press.get("/users/self")).status_code == 200


async def test_usage_can_be_made_up(press: Press, sandbox: Sandbox) -> None:
    sandbox.faults.lay(Usage(percent=97, regain=12))
    response = await press.get("/users/self")
    assert (response.status_code, json.loads(response.headers["x-app-usage"])["call_count"]) == (200, 97)
    assert (business(response)["call_count"], business(response)["estimated_time_to_regain_access"]) == (97, 12)


async def test_processing_takes_as_long_and_ends_as_it_is_told(
    press: Press, sandbox: Sandbox, clock: SteppedClock
) -> None:
    sandbox.faults.lay(Processing(seconds=30, code=9004, retry_after=7, times=1), Processing(seconds=5))
    failing, working = await press.link(), await press.upload(jpeg())
    assert (failing.headers["retry-after"], "retry-after" in working.headers) == ("7", False)
    clock.seconds = 5
    assert done(await press.get(f"/media/{working.json()['id']}"))["status"] == "FINISHED"
    assert done(await press.get(f"/media/{failing.json()['id']}"))["status"] == "IN_PROGRESS"
    clock.seconds = 30
    container = done(await press.get(f"/media/{failing.json()['id']}"))
    assert (container["status"], container["error"]["code"]) == ("ERROR", 9004)


async def test_processing_that_fails_at_once_is_a_refusal(press: Press, sandbox: Sandbox) -> None:
    sandbox.faults.lay(Processing(seconds=0, code=36003))
    refused(await press.link(), 36003, 2207009)


async def test_a_client_that_leaves_in_the_middle_of_its_body_has_done_nothing(
    app: Starlette, sandbox: Sandbox
) -> None:
    parts: list[Message] = [{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}]

    async def receive() -> Message:
        return parts.pop(0)

    async def send(message: Message) -> None:
        raise AssertionError("nobody listens")

    path = f"/platform/users/{NATGEO}/highlights"
    headers = [(b"authorization", b"Bearer sandbox"), (b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": headers}
    await app(scope, receive, send)
    assert (made(sandbox), parts) == (0, [])


async def test_processing_that_takes_more_than_a_day_has_expired(
    press: Press, sandbox: Sandbox, clock: SteppedClock
) -> None:
    sandbox.faults.lay(Processing(seconds=100_000))
    medium = done(await press.link(), 202)["id"]
    clock.seconds = 200_000
    assert done(await press.get(f"/media/{medium}"))["status"] == "EXPIRED"


async def test_a_highlight_may_be_accepted_first_and_be_there_later(
    press: Press, sandbox: Sandbox, client: httpx.AsyncClient, clock: SteppedClock
) -> None:
    story, key = (await press.story())["id"], new_key()
    sandbox.faults.lay(Accepted(seconds=10))
    accepted = done(await press.create([story], key=key), 202)
    assert accepted.keys() == {"id", "status"}
    path = f"/highlights/{accepted['id']}"
    assert done(await press.get(path), 202) == accepted == done(await press.create([story], key=key), 202)
    assert len(done(await press.get("/users/self/highlights"))["data"]) == 3
    clock.seconds = 10
    assert done(await press.get(path))["media_count"] == 1
    tray = done(await client.get("/v1/user/highlights", params={"user_id": NATGEO}))
    assert (len(tray), tray[0]["pk"]) == (4, accepted["id"])
    assert len(sandbox.publishing.studio.highlights.all) == 1


async def test_a_rule_for_write_calls_passes_read_calls_by(
    press: Press, client: httpx.AsyncClient, sandbox: Sandbox
) -> None:
    sandbox.faults.lay(PlatformError(code=-2, times=1), Status(status=503))
    assert (await client.get("/v1/user/by/id", params={"id": NATGEO})).status_code == 503
    refused(await press.get("/users/self"), -2, 2207003)


@pytest.mark.parametrize(
    ("endpoint", "hit"),
    [("POST /platform/*", (False, True)), ("GET /platform/users/self", (True, False)), ("* /platform/*", (True, True))],
)
async def test_a_rule_names_its_calls_by_method_and_route(
    press: Press, sandbox: Sandbox, endpoint: str, hit: tuple[bool, bool]
) -> None:
    sandbox.faults.lay(Status(status=500, endpoint=endpoint))
    answers = (await press.get("/users/self"), await press.upload(jpeg()))
    assert tuple(answer.status_code == 500 for answer in answers) == hit


async def test_the_same_seed_fails_the_same_write_calls(press: Press, sandbox: Sandbox) -> None:
    async def run(seed: int) -> list[int]:
        faults: list[AnyFault] = [PlatformError(code=-1, rate=0.2), Processing(seconds=1, rate=0.3)]
        sandbox.faults.lay(*faults, seed=seed)
        return [(await press.upload(jpeg())).status_code for _ in range(60)]

    first, again, other = await run(7), await run(7), await run(8)
    assert first == again != other
    assert {500, 201, 202} == set(first)


async def test_write_faults_are_laid_over_http(client: httpx.AsyncClient, press: Press) -> None:
    script = {
        "faults": [
            {"kind": "platform_error", "code": 190, "subcode": 463, "times": 1, "when": "after"},
            {"kind": "processing", "seconds": 1, "code": 352, "rate": 0.5},
            {"kind": "accepted", "seconds": 2, "rate": 0.25},
            {"kind": "usage", "percent": 80},
        ],
        "seed": 3,
    }
    assert (await client.post("/_control/faults", json=script)).status_code == 200
    refused(await press.get("/users/self"), 190, 463)


@pytest.mark.parametrize(
    ("fault", "status", "kind"),
    [
        (PlatformError(code=17, retry_after=9), 429, "PleaseWaitFewMinutes"),
        (Status(status=429, retry_after=9), 429, "RateLimitError"),
        (PlatformError(code=9), 429, "FeedbackRequired"),
        (PlatformError(code=-1), 500, "ClientError"),
        (PlatformError(code=190, subcode=460), 500, "LoginRequired"),
        (Status(status=503), 500, "ClientError"),
        (Status(status=404), 500, "NotFoundError"),
    ],
)
async def test_the_other_dialect_words_nearly_every_failure_as_500(
    client: httpx.AsyncClient, sandbox: Sandbox, fault: AnyFault, status: int, kind: str
) -> None:
    sandbox.faults.lay(fault)
    response = await client.get("/aiograpi/user/highlights", params={"user_id": NATGEO}, headers=SESSION)
    assert (response.status_code, response.json()["exc_type"]) == (status, kind)
    assert response.json().keys() - {"hint"} == {"detail", "exc_type"}
    assert "retry-after" not in response.headers


async def test_the_tray_of_the_other_dialect_names_no_media_on_demand(
    client: httpx.AsyncClient, sandbox: Sandbox
) -> None:
    """As the platform's often does: each highlight has to be looked up."""

    async def tray() -> list[dict[str, Any]]:
        asked = await client.get("/aiograpi/user/highlights", params={"user_id": NATGEO}, headers=SESSION)
        entries: list[dict[str, Any]] = done(asked)
        return entries

    whole = await tray()
    assert all(entry["media_ids"] for entry in whole)
    sandbox.faults.lay(BareTray(times=1))
    assert await tray() == [entry | {"media_ids": [], "items": []} for entry in whole]
    assert await tray() == whole
