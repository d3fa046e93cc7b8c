"""What the tests of spending share: purses of a client on a ledger."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.clock import Clock
from gateway.domain.window import Window
from gateway.planner.budget import AccountGuard, Allowance, Purse
from gateway.planner.ledger import Ledger

# 2026-03-31T23:59:30Z: half a minute before minute, hour, day and month end together.
BEFORE_MONTH_END = 1_775_001_570.0
ENDPOINT = "/v1/user/by/id"


def purse(
    ledger: Ledger,
    clock: Clock,
    limits: Mapping[Window, int],
    *,
    client: str = "web",
    ceiling: int | None = None,
    account: AccountGuard | None = None,
) -> Purse:
    allowance = Allowance(client, limits, ledger=ledger, clock=clock)
    return Purse(ceiling=ceiling, allowance=allowance, account=account or AccountGuard(floor=0))


def spend(purse: Purse, price: int, charged: int | None = None) -> None:
    purse.reserve(price).settle(price if charged is None else charged, endpoint=ENDPOINT)
