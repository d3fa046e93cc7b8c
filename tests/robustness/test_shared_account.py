"""A gateway whose account another process spends from, in virtual time."""

from __future__ import annotations

import asyncio
from pathlib import Path

from gateway.billing.account_guard import AccountGuard
from gateway.billing.account_leases import BalanceReading
from gateway.billing.ledger import Ledger
from gateway.billing.sqlite_ledger import SqliteLedger
from gateway.settings import Settings
from tests.billing.budgets import ENDPOINT, budget, reserved
from tests.fakes.clock import VirtualClock
from tests.robustness.harness import codes_of, staged

TRAY = '{ user(by: {id: "787132"}) { highlights { totalCount } } }'
BALANCE, HEADROOM = 1_000_000, 10


async def test_the_balance_is_read_soon_again_while_others_have_leased_what_is_left(tmp_path: Path) -> None:
    """And what they hand back is bought with."""
    clock, floor = VirtualClock(), BALANCE - HEADROOM
    async with staged(Settings(data_dir=tmp_path, balance_floor=floor)) as stage:
        await asyncio.sleep(1)
        other = Ledger(SqliteLedger(tmp_path / "gateway.sqlite3"), clock=clock)
        account = AccountGuard(floor=floor)
        account.note_balance(BalanceReading(BALANCE, clock.now(), {}))
        bought = await reserved(budget(other, clock, {}, account=account), HEADROOM - 1)
        await asyncio.sleep(2)
        reads = stage.sandbox.meter.calls["/sys/balance"]
        for _ in range(6):
            assert codes_of((await stage.post(TRAY)).json()) == ["INSUFFICIENT_FUNDS"]
            await asyncio.sleep(5)
        assert stage.sandbox.meter.calls["/sys/balance"] - reads >= 5
        bought.settle(0, endpoint=ENDPOINT)
        await other.aclose()
        await asyncio.sleep(2)
        assert codes_of((await stage.post(TRAY)).json()) == []
        assert stage.sandbox.balance == BALANCE - 2


async def test_the_balance_that_is_shown_counts_down_with_all_processes(tmp_path: Path) -> None:
    """Before it is read again: it is at its floor, and nothing is bought."""
    clock, floor = VirtualClock(), BALANCE - HEADROOM
    async with staged(Settings(data_dir=tmp_path, balance_floor=floor)) as stage:
        await asyncio.sleep(1)
        other = Ledger(SqliteLedger(tmp_path / "gateway.sqlite3"), clock=clock)
        await asyncio.sleep(60)  # the gateway hands back its idle block
        account = AccountGuard(floor=floor)
        account.note_balance(BalanceReading(BALANCE, clock.now(), {}))
        (await reserved(budget(other, clock, {}, account=account), HEADROOM)).settle(HEADROOM, endpoint=ENDPOINT)
        stage.sandbox.balance -= HEADROOM
        await other.aclose()
        await asyncio.sleep(2)
        problems = (await stage.ready(strict=True)).json()["problems"]
        assert problems == {"account": "The balance of the upstream account is at or below GATEWAY_BALANCE_FLOOR."}
        assert codes_of((await stage.post(TRAY)).json()) == ["INSUFFICIENT_FUNDS"]
