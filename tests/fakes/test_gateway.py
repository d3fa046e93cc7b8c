"""The books are compared: a charge that nobody accounts for fails the test that made it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.gateway import running_gateway

TRAY = '{ user(by: { id: "787132" }) { highlights { totalCount } } }'


async def test_a_charge_that_the_ledger_does_not_hold_is_noticed(tmp_path: Path) -> None:
    running = running_gateway(tmp_path)
    gateway = await running.__aenter__()
    await gateway.query(TRAY)
    gateway.sandbox.meter.billed["/v1/user/highlights"] += 1
    with pytest.raises(AssertionError, match="the ledger differs"):
        await running.__aexit__(None, None, None)


async def test_a_charge_that_no_answer_tells_is_noticed(tmp_path: Path) -> None:
    running = running_gateway(tmp_path)
    gateway = await running.__aenter__()
    await gateway.client.post("/graphql", json={"query": TRAY})
    with pytest.raises(AssertionError, match="the answers differ"):
        await running.__aexit__(None, None, None)


async def test_time_moves_only_when_it_is_told_to(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway:
        began = gateway.clock.now()
        await gateway.query(TRAY)
        assert gateway.clock.now() == began
        gateway.clock.advance(60)
        assert gateway.clock.now() == began + 60
