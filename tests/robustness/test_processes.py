"""Real processes over real sockets: an upstream that is killed, and a gateway that is asked to end."""

from __future__ import annotations

import asyncio
import signal
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.sandbox import fixture_users
from tests.commands.process import LIMIT
from tests.robustness.harness import codes_of, documented_codes, spent
from tests.robustness.processes import Server, billed, gateway, lay_faults, sandbox

LOOP = asyncio.new_event_loop
TRAY = "query($by: UserBy!) { user(by: $by) { username highlights(first: 3) { totalCount nodes { title } } } }"
BIG = (
    f'{{ user(by: {{id: "{fixture_users.THIRTY.pk}"}}) {{ highlights {{ nodes {{ items {{ nodes {{ id }} }} }} }} }} }}'
)
# Nothing is kept, so every operation goes to the upstream.
NO_CACHE = {
    f"GATEWAY_{name}": "0"
    for name in ("TTL_TRAY", "TTL_HIGHLIGHT", "TTL_PROFILE", "TTL_USERNAME", "TTL_MISSING", "STALE_LIMIT")
}


async def ask(
    client: httpx.AsyncClient, server: Server, pk: int = fixture_users.NATGEO_PK, query: str = TRAY
) -> dict[str, Any]:
    body = {"query": query, "variables": {"by": {"id": str(pk)}} if "$by" in query else {}}
    response = await client.post(f"{server.url}/graphql", json=body)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


async def test_a_killed_and_restarted_upstream_heals_by_itself(tmp_path: Path) -> None:
    """Under load all the while: before, typed failures meanwhile, and good answers again without anybody's help."""
    allowed = documented_codes()
    async with httpx.AsyncClient(timeout=LIMIT) as client:
        with sandbox() as upstream, gateway(upstream, tmp_path, **NO_CACHE) as server:
            assert codes_of(await ask(client, server)) == []
            lay_faults(upstream, {"kind": "latency", "seconds": 1, "rate": 0.5})
            load = [asyncio.create_task(ask(client, server, user.pk)) for user in fixture_users.CAST for _ in range(3)]
            _, waiting = await asyncio.wait(load, timeout=0.5)
            assert waiting
            upstream.process.kill()
            upstream.process.wait()
            during = [code for answer in await asyncio.gather(*load) for code in codes_of(answer)]
            assert set(during) <= allowed
            assert codes_of(await ask(client, server)) != []
            with sandbox(upstream.port):
                await good_again(client, server)
            code, log = server.end(signal.SIGTERM)
            assert (code, "Traceback" in log) == (0, False), log


async def good_again(client: httpx.AsyncClient, server: Server) -> None:
    """Within the breaker's time to cool down and one probe, and some for a slow machine."""
    async with asyncio.timeout(LIMIT / 2):
        while codes := codes_of(await ask(client, server)):
            assert set(codes) <= {"UPSTREAM_UNAVAILABLE", "UPSTREAM_TIMEOUT"}


async def test_asked_to_end_it_answers_what_is_in_flight_and_writes_down_what_that_cost(tmp_path: Path) -> None:
    async with httpx.AsyncClient(timeout=LIMIT) as client:
        with sandbox() as upstream, gateway(upstream, tmp_path) as server:
            lay_faults(upstream, {"kind": "latency", "seconds": 1})
            asked = asyncio.create_task(ask(client, server, query=BIG))
            await on_its_way(upstream)
            code, log = await asyncio.to_thread(server.end, signal.SIGTERM)
            answer = await asked
            assert codes_of(answer) == []
            assert len(answer["data"]["user"]["highlights"]["nodes"]) == 30
            assert (code, "Traceback" in log) == (0, False), log
            assert billed(upstream) == 32 == sum(spent(tmp_path).values())


async def on_its_way(upstream: Server) -> None:
    """Until the upstream has been asked for the tray and for some of the highlights behind it."""
    calls: dict[str, int] = {}
    async with asyncio.timeout(LIMIT), httpx.AsyncClient(timeout=LIMIT) as client:
        while "/v1/highlight/by/url" not in calls:
            calls = (await client.get(f"{upstream.url}/_control/meter")).json()["calls"]


def test_a_client_that_hangs_up_does_not_hold_up_the_end(tmp_path: Path) -> None:
    """What it asked for may have been paid, so it is counted as paid."""
    with sandbox() as upstream, gateway(upstream, tmp_path) as server:
        lay_faults(upstream, {"kind": "hang", "endpoint": "/v1/user/highlights"})
        with httpx.Client(timeout=1.0) as client:
            body = {"query": TRAY, "variables": {"by": {"id": "787132"}}}
            with pytest.raises(httpx.ReadTimeout):
                client.post(f"{server.url}/graphql", json=body)
        began = time.monotonic()
        code, log = server.end(signal.SIGTERM)
        assert (code, "Traceback" in log) == (0, False), log
        assert time.monotonic() - began < 10, "`docker stop` kills after ten seconds"
        assert billed(upstream) == 2 == sum(spent(tmp_path).values())


async def test_ended_while_nothing_is_cached_it_starts_again_on_the_same_ledger(tmp_path: Path) -> None:
    async with httpx.AsyncClient(timeout=LIMIT) as client:
        with sandbox() as upstream:
            for _ in range(2):
                with gateway(upstream, tmp_path) as server:
                    assert codes_of(await ask(client, server)) == []
                    assert server.end(signal.SIGTERM)[0] == 0
            assert spent(tmp_path) == {"tray": 4}
