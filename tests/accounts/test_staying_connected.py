"""Tokens over time: they are refreshed at half of their life, and flows wait for the reconnection of an account."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.sandbox.faults import PlatformError, Script
from tests.accounts.consent import DISCONNECT, SECOND, accounts, begun, called_back, connected, decided, outcome
from tests.accounts.test_connecting import CREATE, OWN
from tests.fakes.clock import VirtualLoop
from tests.fakes.gateway import FlowingClock, RunningGateway, running_gateway

LOOP = VirtualLoop
DAY = 86_400.0
STEPS = "query($id: ID!) { flow(id: $id) { state steps { state error { code } } } }"


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[RunningGateway]:
    async with running_gateway(tmp_path, clock=FlowingClock()) as gateway:
        await gateway.knows_its_accounts()
        gateway.at_once()
        await connected(gateway)
        yield gateway


async def end_access(gateway: RunningGateway, reason: str = "removed") -> None:
    asked = {"account": SECOND, "reason": reason}
    assert (await gateway.client.post("/sandbox/_control/oauth/end", json=asked)).json()["ended"] > 0


async def create(gateway: RunningGateway, key: str = "reef-1") -> str:
    """The id of a flow, for which nobody waits."""
    document = CREATE.replace("idempotencyKey: $key", "idempotencyKey: $key, waitSeconds: 0")
    answer = await gateway.query(document, {"account": SECOND, "key": key})
    id: str = answer.data["createHighlight"]["flow"]["id"]
    return id


async def until(gateway: RunningGateway, id: str, state: str, code: str | None = None) -> dict[str, Any]:
    """The flow, once it is in this state and its last step shows this error."""
    while True:
        flow: dict[str, Any] = (await gateway.query(STEPS, {"id": id})).data["flow"]
        errors = [step["error"]["code"] if step["error"] else None for step in flow["steps"]]
        if flow["state"] == state or (code is not None and code in errors):
            return flow
        await asyncio.sleep(1.0)


def wake(gateway: RunningGateway) -> None:
    """Let the flows look that wait for the account."""
    assert gateway.parts.publishing is not None
    gateway.parts.publishing.durable.signal(f"account:{SECOND}")


async def pass_days(gateway: RunningGateway, days: float) -> None:
    """Let time pass at once, and the gateway notice."""
    gateway.clock.advance(days * DAY)
    await asyncio.sleep(200.0)


def tokens(gateway: RunningGateway) -> list[str]:
    return gateway.sandbox.publishing._accounts.tokens()


@pytest.mark.parametrize("reason", ["removed", "password_changed", "expired"])
async def test_a_flow_waits_for_the_reconnection_and_goes_on_by_itself(gateway: RunningGateway, reason: str) -> None:
    await end_access(gateway, reason)
    id = await create(gateway)
    await until(gateway, id, "FAILED", "RECONNECT_REQUIRED")
    assert (await accounts(gateway))[SECOND]["state"] == "RECONNECT_REQUIRED"
    began = asyncio.get_running_loop().time()
    back = await called_back(gateway, await decided(gateway, await begun(gateway, reconnect=SECOND)))
    assert outcome(back)["connection"] == "connected"
    assert (await until(gateway, id, "DONE"))["state"] == "DONE"
    assert asyncio.get_running_loop().time() - began < 600  # it was woken, and did not look by itself
    assert (await accounts(gateway))[SECOND]["state"] == "CONNECTED"


async def test_a_flow_that_waits_ends_with_the_disconnection(gateway: RunningGateway) -> None:
    await end_access(gateway)
    id = await create(gateway)
    await until(gateway, id, "FAILED", "RECONNECT_REQUIRED")
    await gateway.query(DISCONNECT, {"account": SECOND})
    flow = await until(gateway, id, "FAILED")
    assert flow["state"] == "FAILED"
    assert flow["steps"][-1]["error"]["code"] == "ACCOUNT_DISCONNECTED"


async def test_no_token_is_used_after_it_was_refused(gateway: RunningGateway) -> None:
    await end_access(gateway)
    id = await create(gateway)
    await until(gateway, id, "FAILED", "RECONNECT_REQUIRED")
    before = gateway.sandbox.meter.calls.copy()
    await asyncio.sleep(2_000.0)  # longer than a flow waits until it looks by itself
    assert gateway.sandbox.meter.calls == before


async def test_an_account_that_is_taken_for_spam_rests_visibly_and_its_flows_wait(gateway: RunningGateway) -> None:
    gateway.sandbox.faults.play(Script([PlatformError(code=4, subcode=2207051)]))
    id = await create(gateway)
    await until(gateway, id, "FAILED", "ACCOUNT_RESTRICTED")
    assert (await accounts(gateway))[SECOND]["state"] == "RESTRICTED"
    assert (await accounts(gateway))[OWN]["state"] == "CONNECTED"
    gateway.at_once()
    before = gateway.sandbox.meter.calls.copy()
    gateway.clock.advance(3.9 * 3_600)
    wake(gateway)
    await asyncio.sleep(60.0)
    assert gateway.sandbox.meter.calls == before, "each request would make it worse"
    gateway.clock.advance(0.1 * 3_600)
    wake(gateway)  # it looks by itself each hour
    assert (await until(gateway, id, "DONE"))["state"] == "DONE"
    assert (await accounts(gateway))[SECOND]["state"] == "CONNECTED"


async def test_a_vault_without_its_key_is_a_problem_that_the_operator_sees(
    gateway: RunningGateway, tmp_path: Path
) -> None:
    """The tokens come back with the key, and the flow that waited goes on."""
    key = (tmp_path / "vault.key").read_bytes()
    (tmp_path / "vault.key").write_bytes(b"x" * 32)
    keys: Any = gateway.parts.publishing.accounts.connections.accounts.store.envelope.keys  # type: ignore[union-attr]
    keys.ids()
    id = await create(gateway)
    await until(gateway, id, "FAILED", "UPSTREAM_UNAVAILABLE")
    ready = await gateway.client.get("/readyz?strict")
    assert (ready.status_code, "restore vault.key" in ready.text) == (503, True)
    (tmp_path / "vault.key").write_bytes(key)
    assert (await until(gateway, id, "DONE"))["state"] == "DONE"


async def test_a_token_is_refreshed_at_half_of_its_life(gateway: RunningGateway) -> None:
    before = (await accounts(gateway))[SECOND]["tokenExpiresAt"]
    (_, long) = tokens(gateway)
    await pass_days(gateway, 23)
    assert len(tokens(gateway)) == 2
    await pass_days(gateway, 14)
    assert len(tokens(gateway)) == 3
    assert (await accounts(gateway))[SECOND]["tokenExpiresAt"] > before
    assert long in tokens(gateway)
    await pass_days(gateway, 37)
    assert len(tokens(gateway)) == 4
    assert (await accounts(gateway))[SECOND]["state"] == "CONNECTED"


async def test_a_refresh_that_is_refused_requires_a_reconnection(gateway: RunningGateway) -> None:
    await end_access(gateway)
    await pass_days(gateway, 37)
    assert (await accounts(gateway))[SECOND]["state"] == "RECONNECT_REQUIRED"
