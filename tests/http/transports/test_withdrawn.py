"""What is under way ends when the key it was begun with is withdrawn."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from gateway.http.revocation import LOOK_SECONDS
from gateway.sandbox.faults import Latency
from tests.fakes.clock import EPOCH
from tests.fakes.gateway import Terms, clients_file, key_of, sandbox_in
from tests.fakes.stream import Reading
from tests.fakes.websocket import Socket
from tests.http.transports.conftest import Serve, Served, Ticks
from tests.http.transports.test_events import APOLLO, EVENTS, events, parts

TICKS = "subscription { ticks(to: 1000) }"
WEB = {"web": Terms()}
WITHDRAWALS = [
    pytest.param({}, "UNAUTHENTICATED", id="removed"),
    pytest.param({"web": Terms(is_disabled=True)}, "UNAUTHENTICATED", id="disabled"),
    pytest.param({"web": Terms(rights=("write",))}, "FORBIDDEN", id="without the right to read"),
]
KEYED = {"x-api-key": key_of("web")}


def file(served: Served, **clients: Terms) -> None:
    """The clients file as it is from now on, for a gateway that is told to read it again."""
    path = served.gateway.settings.clients_file
    assert path is not None
    clients_file(path.parent, {"other": Terms(), **clients})
    served.gateway.access.clients.reload()


def now() -> float:
    return asyncio.get_running_loop().time()


@pytest.mark.parametrize(("clients", "code"), WITHDRAWALS)
async def test_events_end_with_the_refusal(serve: Serve, clients: dict[str, Terms], code: str) -> None:
    served = await serve(clients=WEB)
    async with Reading(served.app, {"query": TICKS}, accept=EVENTS, headers=KEYED) as reading:
        await reading.chunk()
        file(served, **clients)
        begun = now()
        *_, (name, data), last = events(await reading.whole())
    assert (name, data["errors"][0]["extensions"]["code"], last) == ("next", code, ("complete", None))
    assert "data" not in data
    assert now() - begun <= LOOK_SECONDS
    assert Ticks.running == 0


@pytest.mark.parametrize(("clients", "code"), WITHDRAWALS)
async def test_apollos_parts_end_with_the_refusal(serve: Serve, clients: dict[str, Terms], code: str) -> None:
    served = await serve(clients=WEB)
    async with Reading(served.app, {"query": TICKS}, accept=APOLLO, headers=KEYED) as reading:
        file(served, **clients)
        *_, last = [part["payload"] for part in parts(await reading.whole()) if part]
    assert last["errors"][0]["extensions"]["code"] == code
    assert Ticks.running == 0


@pytest.mark.parametrize("clients", [case.values[0] for case in WITHDRAWALS])
async def test_a_websocket_is_closed_with_4403(serve: Serve, clients: dict[str, Terms]) -> None:
    """Clients of the protocol connect again after it, and may do so with the key that replaced the one they had."""
    served = await serve(clients=WEB)
    async with Socket(served.app, headers=KEYED) as socket:
        await socket.init()
        await socket.subscribe("1", TICKS)
        await socket.read()
        file(served, **clients)
        assert await socket.close_code() == 4403
        assert Ticks.running == 0
    assert served.gateway.access.long_lived.places._held == {}


async def test_an_idle_websocket_is_closed_too(serve: Serve) -> None:
    served = await serve(clients=WEB)
    async with Socket(served.app, headers=KEYED) as socket:
        await socket.init()
        file(served)
        assert await socket.read() == {}
        assert socket.closed == (4403, "This key was revoked: ask the operator of the gateway for another one.")


async def test_an_operation_that_is_begun_before_anybody_looked_is_refused(serve: Serve) -> None:
    served = await serve(clients=WEB)
    async with Socket(served.app, headers=KEYED) as socket:
        await socket.init()
        file(served)
        await socket.subscribe("1", "{ __typename }")
        message = await socket.read()
        assert (message["type"], message["payload"][0]["extensions"]["code"]) == ("error", "UNAUTHENTICATED")


async def test_a_key_that_expires_ends_what_it_began(serve: Serve) -> None:
    served = await serve(clients={"web": Terms(expires=EPOCH + 100.5)})
    async with (
        Reading(served.app, {"query": TICKS}, accept=EVENTS, headers=KEYED) as reading,
        Socket(served.app, headers=KEYED) as socket,
    ):
        await socket.init()
        *ticks, (_, data), _ = events(await reading.whole())
        assert 100 <= len(ticks) <= 100 + LOOK_SECONDS
        assert data["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
        assert "expired" in data["errors"][0]["message"]
        assert await socket.close_code() == 4403


async def test_whoever_stays_as_he_was_is_left_alone(serve: Serve) -> None:
    served = await serve(clients=WEB)
    async with Reading(served.app, {"query": "subscription { ticks(to: 10) }"}, accept=EVENTS, headers=KEYED) as one:
        file(served, web=Terms(rights=("read", "introspect"), ceiling=5))
        assert len(events(await one.whole())) == 11


async def test_a_key_that_was_given_to_somebody_else_is_withdrawn(serve: Serve, tmp_path: Path) -> None:
    served = await serve(clients=WEB)
    async with Reading(served.app, {"query": TICKS}, accept=EVENTS, headers=KEYED) as reading:
        path = tmp_path / "clients.toml"
        path.write_text(path.read_text().replace('name = "web"', 'name = "shop"'))
        served.gateway.access.clients.reload()
        *_, (_, data), _ = events(await reading.whole())
    assert data["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_who_does_not_read_is_let_go_all_the_same(serve: Serve) -> None:
    served = await serve(clients=WEB)
    body = {"query": "subscription { ticks(to: 1000, every: 0.001) }"}
    async with Reading(served.app, body, accept=EVENTS, headers=KEYED, room=1) as reading:
        await asyncio.sleep(5)
        file(served)
        await asyncio.sleep(5)
        assert Ticks.running == 0
        assert b"UNAUTHENTICATED" in await reading.whole()


async def test_what_is_deferred_is_not_bought_after_the_key_is_withdrawn(serve: Serve) -> None:
    """The first part waits for one call, and the parts behind it would pay for more."""
    served = await serve(clients=WEB)
    sandbox = sandbox_in(served.app)
    query = """{ user(by: { username: "natgeo" }) { username
        ... @defer { highlights { nodes { items { nodes { id } } } } } } }"""
    sandbox.faults.lay(Latency(seconds=5))
    async with Reading(served.app, {"query": query}, accept=EVENTS, headers=KEYED) as reading:
        await asyncio.sleep(0)
        file(served)
        payloads: list[Any] = [data for _, data in events(await reading.whole()) if data]
    codes = [error["extensions"]["code"] for error in found_errors(payloads)]
    assert codes
    assert set(codes) == {"UNAUTHENTICATED"}


def found_errors(payloads: list[Any]) -> list[Any]:
    """Those of payloads, and of what comes later in them."""
    errors: list[Any] = []
    for payload in payloads:
        errors += payload.get("errors") or []
        for name in ("incremental", "completed"):
            errors += [error for one in payload.get(name, ()) for error in one.get("errors") or ()]
    return errors
