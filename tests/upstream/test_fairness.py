"""One client's flood in front of the upstream's rate does not starve the others. In virtual time."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.scheduling import turns
from gateway.settings import Settings
from tests.fakes.gateway import Answer, RunningGateway, Terms, VirtualWallClock, running_gateway

RATE = 15.0
CLIENTS = {"flood": Terms(), "light": Terms()}
PROFILES = "query ($by: [UserBy!]!) { users(by: $by) { id biography } }"
PROFILE = "query ($id: ID!) { user(by: { id: $id }) { id biography } }"


@contextlib.asynccontextmanager
async def gateway_in(
    path: Path, clients: Mapping[str, Terms] = CLIENTS, *, all_heard: bool = True
) -> AsyncIterator[RunningGateway]:
    settings = replace(Settings(), hikerapi_rate=RATE)
    clock = VirtualWallClock()
    async with running_gateway(path, settings=settings, clock=clock, clients=clients, all_heard=all_heard) as gateway:
        yield gateway


def now() -> float:
    return asyncio.get_running_loop().time()


def flood(gateway: RunningGateway, calls: int, client: str = "flood", first: int = 0) -> asyncio.Task[Answer]:
    """One operation of so many calls, about the sandbox's users from the `first` on."""
    variables = {"by": [{"id": str(id_of(gateway, first + number))} for number in range(calls)]}
    return asyncio.create_task(gateway.query(PROFILES, variables, client=client))


def id_of(gateway: RunningGateway, index: int) -> int:
    return gateway.sandbox.world.user(index).pk


async def profile(gateway: RunningGateway, index: int, client: str = "light") -> tuple[Answer, float]:
    """The answer, and how long it took."""
    began = now()
    answer = await gateway.query(PROFILE, {"id": str(id_of(gateway, index))}, client=client)
    return answer, now() - began


async def test_a_single_profile_behind_the_900_calls_of_another_client_waits_under_two_seconds(tmp_path: Path) -> None:
    async with gateway_in(tmp_path) as gateway:
        flooding = flood(gateway, 900)
        for index in (950, 951, 952):
            await asyncio.sleep(5)
            answer, seconds = await profile(gateway, index)
            assert not answer.errors
            assert answer.data["user"]["id"] == str(id_of(gateway, index))
            assert answer.charged == 1
            assert seconds < 2 / RATE
        flooded = await flooding
        assert flooded.charged == pytest.approx(RATE * 44, abs=5)  # as many as there are tokens in its time
        assert gateway.calls == {"profile": flooded.charged + 3}


async def test_what_cannot_be_sent_in_time_is_refused_at_once_and_costs_nothing(tmp_path: Path) -> None:
    """A second operation of the client, behind one that fills its time; the other client is served as ever."""
    async with gateway_in(tmp_path) as gateway:
        flooding = flood(gateway, 800)
        await turns(3_000)  # time stands still until all of it is queued
        began, billed = now(), gateway.billed
        refused = await flood(gateway, 100, first=800)
        assert now() - began < 0.1
        assert {code for _, code in refused.errors} == {"UPSTREAM_RATE_LIMITED"}
        assert len(refused.errors) == 100
        assert (refused.status, refused.charged) == (200, 0)
        waits = [error["extensions"]["retryAfter"] for error in refused.body["errors"]]
        assert refused.headers["retry-after"] == str(math.ceil(max(waits)))
        answer, seconds = await profile(gateway, 950)
        assert (answer.errors, answer.charged) == ([], 1)
        assert seconds < 2 / RATE + 0.01  # one of the flood, and its own
        assert gateway.billed - billed <= 3  # nothing for what was refused
        await asyncio.sleep(max(waits))
        returned = await flood(gateway, 100, first=800)
        assert (returned.errors, returned.charged) == ([], 100)
        flooded = await flooding
        codes = Counter(code for _, code in flooded.errors)
        assert codes["UPSTREAM_TIMEOUT"] <= 1  # the profile had the turn of one that was in time before
        assert flooded.charged + codes["UPSTREAM_RATE_LIMITED"] + codes["UPSTREAM_TIMEOUT"] == 800


async def test_a_client_that_joins_a_call_of_the_flood_does_not_wait_at_its_place(tmp_path: Path) -> None:
    """The client that began the call pays for it."""
    async with gateway_in(tmp_path) as gateway:
        flooding = flood(gateway, 300)
        await asyncio.sleep(1)
        answer, seconds = await profile(gateway, 299)
        assert not answer.errors
        assert (answer.charged, answer.billing["savedBySharing"]) == (0, 1)
        assert seconds < 2 / RATE
        assert (await flooding).charged == 300


async def test_two_floods_share_the_rate(tmp_path: Path) -> None:
    async with gateway_in(tmp_path) as gateway:
        began = now()
        both = [flood(gateway, 150), flood(gateway, 150, "light", first=200)]
        for flooding in both:
            assert (await flooding).charged == 150
            assert now() - began == pytest.approx((300 - RATE) / RATE, abs=1)  # together, and not one after the other


async def test_two_floods_share_the_rate_by_their_weights(tmp_path: Path) -> None:
    async with gateway_in(tmp_path, {"flood": Terms(weight=0.5), "light": Terms(weight=1.5)}) as gateway:
        await asyncio.sleep(1)
        first, second = flood(gateway, 300), flood(gateway, 150, "light", first=400)
        assert (await second).charged == 150
        assert gateway.billed == pytest.approx(150 / 0.75, abs=RATE)  # the burst went to the one that came first
        assert (await first).charged == 300


async def test_calls_of_a_client_that_leaves_are_not_sent_and_others_wait_no_longer_for_them(tmp_path: Path) -> None:
    async with gateway_in(tmp_path, all_heard=False) as gateway:
        flooding = flood(gateway, 300)
        await asyncio.sleep(1)
        flooding.cancel()
        await asyncio.sleep(0.01)
        made = gateway.billed
        for index in range(310, 325):
            await profile(gateway, index)
        assert now() == pytest.approx(2, abs=0.2)
        assert gateway.billed == made + 15


CREATE = """mutation ($key: ID!, $url: URL!) {
  createHighlight(input: {
    account: "787132", title: "Reef", media: [{ url: $url }], idempotencyKey: $key, waitSeconds: 50
  }) { flow { state } userErrors { code } }
}"""
WRITERS = {"flood": Terms(rights=("read", "write")), "light": Terms(rights=("read", "write"))}


async def published(gateway: RunningGateway, key: str, client: str) -> float:
    """How long it took."""
    began = now()
    variables = {"key": key, "url": f"https://images.example.com/{key}.jpg"}
    answer = await gateway.query(CREATE, variables, client=client)
    assert answer.errors == [], answer.body
    assert answer.data["createHighlight"] == {"flow": {"state": "DONE"}, "userErrors": []}, answer.body
    return now() - began


async def test_the_flow_of_a_client_does_not_wait_for_those_of_another(tmp_path: Path) -> None:
    """Twenty flows of one client fill the queue of the platform, to which two requests a second are sent."""
    settings = replace(Settings(), platform_rate=2.0, platform_timeout=300)
    clock = VirtualWallClock()
    async with running_gateway(tmp_path, settings=settings, clock=clock, clients=WRITERS) as gateway:
        await gateway.knows_its_accounts("light")
        alone = await published(gateway, "alone", "light")
        flooding = [asyncio.create_task(published(gateway, f"flood-{number}", "flood")) for number in range(20)]
        await asyncio.sleep(3)
        beside = await published(gateway, "beside", "light")
        assert beside < 3 * alone
        for task in flooding:
            task.cancel()
        await asyncio.gather(*flooding, return_exceptions=True)
