"""A ledger on a file of its own, half a minute before a month ends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.billing.ledger import Ledger
from gateway.billing.sqlite_ledger import SqliteLedger
from tests.billing.budgets import BEFORE_MONTH_END
from tests.fakes.clock import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(BEFORE_MONTH_END)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture
def ledger(path: Path, clock: ManualClock) -> Iterator[Ledger]:
    ledger = Ledger(SqliteLedger(path), clock=clock)
    yield ledger
    ledger.close()
