"""What is open when the process shuts down ends in the way after which its client opens it again."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway.http.transports.ws_messages import Close
from gateway.sandbox.faults import Latency, Script
from tests.fakes.gateway import sandbox_in
from tests.fakes.stream import Reading
from tests.fakes.websocket import Socket
from tests.http.transports.conftest import Serve, Served, Ticks
from tests.http.transports.test_events import APOLLO, EVENTS, events, parts

TICKS = "subscription { ticks(to: 1000) }"
FOLLOWERS = "{ user(by: { id: 787132 }) { followerCount } }"
DEFERRED = {"query": "{ user(by: { id: 787132 }) { username ... @defer { biography } } }"}
CUT_OFF = b": the gateway is stopping\nretry: 1000\n\n"
SLOW = 3.0  # seconds
AWAY = (Close.AWAY, "The gateway is stopping: reconnect.")


def now() -> float:
    return asyncio.get_running_loop().time()


def slow(served: Served, seconds: float = SLOW) -> None:
    """The upstream."""
    sandbox_in(served.app).faults.play(Script([Latency(seconds=seconds)]))


async def test_events_end_without_complete_so_that_clients_subscribe_again(served: Served) -> None:
    """An event `complete` would say that there is nothing more to come."""
    async with Reading(served.app, {"query": TICKS}, accept=EVENTS) as reading:
        await reading.chunk()
        begun = now()
        served.gateway.shutdown.begin()
        body = await reading.whole()
    assert body == CUT_OFF
    assert now() == begun
    assert Ticks.running == 0


async def test_apollos_parts_end_with_the_error_of_the_transport(served: Served) -> None:
    async with Reading(served.app, {"query": TICKS}, accept=APOLLO) as reading:
        served.gateway.shutdown.begin()
        *_, last = [part for part in parts(await reading.whole()) if part]
    assert last["payload"] is None
    (error,) = last["errors"]
    assert error["extensions"] == {"code": "SERVICE_STOPPING", "retryAfter": 1.0}
    assert Ticks.running == 0


async def test_a_stream_that_begins_too_late_is_cut_off_at_once(served: Served) -> None:
    served.gateway.shutdown.begin()
    async with Reading(served.app, {"query": TICKS}, accept=EVENTS) as reading:
        assert await reading.whole() == CUT_OFF
    assert Ticks.running == 0


async def test_deferred_parts_are_finished(served: Served) -> None:
    """They are of an operation, which ends by itself, and what is bought for it is paid."""
    slow(served)
    async with Reading(served.app, DEFERRED, accept=EVENTS) as reading:
        served.gateway.shutdown.begin()
        *_, (_, part), last = events(await reading.whole())
    assert part["hasNext"] is False
    assert "errors" not in part
    assert last == ("complete", None)


@pytest.mark.parametrize("subscriptions", [0, 2])
async def test_a_websocket_is_closed_with_1001_and_completes_no_subscription(
    served: Served, subscriptions: int
) -> None:
    """Clients of the protocol connect again after that code, and send again what was not completed."""
    async with Socket(served.app) as socket:
        await socket.init()
        for number in range(subscriptions):
            await socket.subscribe(str(number), TICKS)
            await socket.read()
        begun = now()
        served.gateway.shutdown.begin()
        kinds = {message["type"] for message in await rest(socket)}
    assert socket.closed == AWAY
    assert kinds <= {"next"}
    assert now() == begun
    assert Ticks.running == 0


async def test_what_a_websocket_has_in_progress_is_finished_first_and_nothing_new_begins(served: Served) -> None:
    slow(served)
    async with Socket(served.app) as socket:
        await socket.init()
        await socket.subscribe("watched", TICKS)
        await socket.subscribe("asked", FOLLOWERS)
        await asyncio.sleep(1.5)
        served.gateway.shutdown.begin()
        await socket.subscribe("late", FOLLOWERS)
        messages = [message for message in await rest(socket) if message["id"] != "watched"]
    assert [(message["type"], message["id"]) for message in messages] == [("next", "asked"), ("complete", "asked")]
    assert messages[0]["payload"]["data"]["user"]["followerCount"]
    assert socket.closed == AWAY
    assert Ticks.running == 0


async def test_a_websocket_does_not_wait_longer_than_the_process(served: Served) -> None:
    slow(served, 60)
    async with Socket(served.app) as socket:
        await socket.init()
        await socket.subscribe("asked", FOLLOWERS)
        await asyncio.sleep(1)
        begun = now()
        served.gateway.shutdown.begin()
        assert await rest(socket) == []
    assert socket.closed == AWAY
    assert now() - begun == pytest.approx(6)


async def test_a_websocket_that_is_not_initialised_is_closed_too(served: Served) -> None:
    async with Socket(served.app) as socket:
        await asyncio.sleep(0)
        served.gateway.shutdown.begin()
        assert await socket.read() == {}
    assert socket.closed == AWAY


@pytest.mark.parametrize("strict", ["", "?strict"])
async def test_load_balancers_are_told_while_everything_is_served(serve: Serve, strict: str) -> None:
    served = await serve()
    served.gateway.shutdown.drain(5.0)
    ready = await served.client.get(f"/readyz{strict}")
    assert (ready.status_code, ready.json()["ready"], ready.json()["status"]) == (503, False, "stopping")
    assert (await served.client.get("/healthz")).status_code == 200
    answer = await served.client.post("/graphql", json={"query": FOLLOWERS})
    assert answer.json()["data"]["user"]["followerCount"]
    async with Socket(served.app) as socket:
        await socket.init()
        await socket.subscribe("1", TICKS)
        assert (await socket.read())["payload"]["data"] == {"ticks": 0}


async def rest(socket: Socket) -> list[dict[str, Any]]:
    """The messages until it is closed."""
    messages = []
    while message := await socket.read():
        messages.append(message)
    return messages
