"""A process that spends one request after the other, and says so after each, until it is refused or killed.

`python -m tests.billing.spender LEDGER LIMIT`
"""

from __future__ import annotations

import asyncio
import os
import sys

from gateway.domain.window import Window
from gateway.errors import AllowanceExceeded
from tests.billing.budgets import BEFORE_MONTH_END, budget, spend
from tests.billing.ledger_places import opened_at
from tests.fakes.clock import ManualClock

FLUSH_EVERY = 50
SPENT = b"."
REFUSED = b"!"


async def main(place: str, limit: int) -> None:
    clock = ManualClock(BEFORE_MONTH_END)
    ledger = opened_at(place, clock)
    one = budget(ledger, clock, {Window.HOUR: limit, Window.DAY: limit})
    try:
        while True:
            spend(one, 1)
            os.write(1, SPENT)
            if one.charged % FLUSH_EVERY == 0:
                await ledger.flush()
    except AllowanceExceeded:
        os.write(1, REFUSED)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
