"""Processes that are killed: `kill -9`, on real files."""

from __future__ import annotations

import random
import subprocess
import sys
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from gateway.billing.leases import block_of
from gateway.domain.window import Window
from gateway.errors import AllowanceExceeded
from tests.billing.budgets import BEFORE_MONTH_END, budget, opened, reserve, spend
from tests.billing.spender import REFUSED, SPENT
from tests.fakes.clock import ManualClock

ROOT = Path(__file__).parents[2]
DAY = date(2026, 3, 31)
LIMIT = 3000
BLOCK = block_of(LIMIT)


def start(path: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.billing.spender", str(path), str(LIMIT)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)


def read(spender: subprocess.Popen[bytes], count: int) -> bytes:
    assert spender.stdout is not None
    return spender.stdout.read(count)


def kill(spender: subprocess.Popen[bytes]) -> bytes:
    spender.kill()
    with spender:
        return read(spender, -1)


def figures(path: Path) -> tuple[int, int]:
    """Spent in the day, and told by the report, as the next process sees it."""
    clock = ManualClock(BEFORE_MONTH_END)
    with closing(opened(path, clock)) as ledger:
        spent = budget(ledger, clock, {Window.DAY: LIMIT}).allowance.spent
        return spent or 0, sum(row.billed for row in ledger.report(DAY, DAY))


def test_kill_9_gives_nothing_back_and_loses_at_most_a_block(path: Path) -> None:
    draw = random.Random(9)
    told = 0
    for kills in range(1, 5):
        spender = start(path)
        told += len(read(spender, draw.randrange(1, 400)))
        told += len(kill(spender))
        spent, reported = figures(path)
        # It may have been killed after it spent one more and before it told.
        assert told <= spent <= told + kills * (1 + BLOCK)
        assert reported == spent
    clock = ManualClock(BEFORE_MONTH_END)
    with closing(opened(path, clock)) as ledger:
        rest = budget(ledger, clock, {Window.DAY: LIMIT})
        for _ in range(LIMIT - spent):
            spend(rest, 1)
        with pytest.raises(AllowanceExceeded):
            reserve(rest, 1)
    assert told + rest.charged <= LIMIT


def test_processes_that_spend_at_once_never_exceed_the_limit_together(path: Path) -> None:
    """One is killed on the way; the others go on until they are refused."""
    victim, *others = [start(path) for _ in range(3)]
    told = read(victim, 100) + kill(victim)
    for spender in others:
        with spender:
            told += read(spender, -1)
        assert spender.returncode == 0
    assert told.count(REFUSED) == len(others)
    lost = 1 + BLOCK  # by the victim; the others end with a block of their own that nobody else may spend
    assert LIMIT - lost - len(others) * BLOCK <= told.count(SPENT) <= LIMIT
    assert figures(path)[0] <= LIMIT
