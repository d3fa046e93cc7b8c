"""Any order of buying, settling, crashing, starting and closing, by several processes over several windows."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import tempfile
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, MultipleResults, RuleBasedStateMachine, initialize, invariant, multiple, rule

from gateway.billing.budget import Reservation
from gateway.billing.leases import block_of
from gateway.billing.ledger import Ledger
from gateway.domain.window import Window
from gateway.errors import AllowanceExceeded
from tests.billing.budgets import BEFORE_MONTH_END, ENDPOINT, budget, opened, reserve, written
from tests.fakes.clock import ManualClock
from tests.profiles import examples

Key = tuple[str, int]
LIMITS = st.fixed_dictionaries({Window.MINUTE: st.integers(0, 120), Window.DAY: st.integers(0, 300)})


@dataclass(eq=False)
class Process:
    ledger: Ledger
    alive: bool = True
    windows: set[Key] = field(default_factory=set)
    """Those it may hold something idle of."""


@dataclass(eq=False)
class Purchase:
    process: Process
    reservation: Reservation
    price: int
    keys: list[Key]


class Spending(RuleBasedStateMachine):
    """`counted` is the truth: per window what was charged, and what is reserved or was when its process died."""

    processes = Bundle[Process]("processes")
    purchases = Bundle[Purchase]("purchases")

    @initialize(limits=LIMITS)
    def begin(self, limits: dict[Window, int]) -> None:
        self.directory = Path(tempfile.mkdtemp())
        self.path = self.directory / "ledger.db"
        self.clock = ManualClock(BEFORE_MONTH_END)
        self.limits = limits
        self.block = max(map(block_of, limits.values()))
        self.running: list[Process] = []
        self.crashed: list[Process] = []
        self.counted: Counter[Key] = Counter()

    @rule(target=processes)
    def start(self) -> Process | MultipleResults[Process]:
        if len(self.running) == 3:
            return multiple()
        process = Process(opened(self.path, self.clock))
        self.running.append(process)
        return process

    @rule(target=purchases, process=processes, price=st.integers(1, 40))
    def reserve(self, process: Process, price: int) -> Purchase | MultipleResults[Purchase]:
        if not process.alive:
            return multiple()
        limits = {self.key(window): limit for window, limit in self.limits.items()}
        try:
            reservation = reserve(budget(process.ledger, self.clock, self.limits), price)
        except AllowanceExceeded:
            assert any(self.counted[key] + self.idle(key, process) + price > limit for key, limit in limits.items())
            return multiple()
        process.windows.update(limits)
        self.counted.update(dict.fromkeys(limits, price))
        assert all(self.counted[key] <= limit for key, limit in limits.items())
        return Purchase(process, reservation, price, list(limits))

    @rule(purchase=purchases, part=st.integers(0, 12))
    def settle(self, purchase: Purchase, part: int) -> None:
        """At up to 1.2 times the price: also an overrun, and possibly for the second time."""
        if not purchase.process.alive:
            return
        charged = purchase.price * part // 10
        purchase.reservation.settle(charged, endpoint=ENDPOINT)
        written(purchase.process.ledger)
        self.counted.update(dict.fromkeys(purchase.keys, charged - purchase.price))
        purchase.process.windows.update(purchase.keys)
        purchase.keys = []

    @rule(seconds=st.sampled_from([1, 20, 60, 3_600, 86_400]))
    def wait(self, seconds: int) -> None:
        self.clock.advance(seconds)

    @rule(process=processes)
    def flush(self, process: Process) -> None:
        if process.alive:
            asyncio.run(process.ledger.flush())
            process.windows &= {self.key(window) for window in Window}

    @rule(process=processes)
    def crash(self, process: Process) -> None:
        if process.alive:
            process.alive = False
            self.running.remove(process)
            self.crashed.append(process)

    @rule(process=processes)
    def close(self, process: Process) -> None:
        if process.alive:
            process.alive = False
            self.running.remove(process)
            process.ledger.close()

    @rule(limits=LIMITS)
    def reload(self, limits: dict[Window, int]) -> None:
        self.limits = limits
        self.block = max(self.block, *map(block_of, limits.values()))

    @invariant()
    def nothing_is_given_back_and_at_most_a_block_per_process_is_idle(self) -> None:
        leased = self.leased()
        for key, counted in self.counted.items():
            if key[1] > self.clock.now() - 86_400:  # older minutes may have been pruned
                assert counted <= leased[key] <= counted + self.idle(key)

    @invariant()
    def a_process_never_tells_more_than_is_left(self) -> None:
        for process in self.running:
            for figures in budget(process.ledger, self.clock, self.limits).allowance.figures():
                counted = self.counted[self.key(figures.window)]
                assert figures.spent >= counted
                assert figures.remaining <= max(0, figures.limit - counted)

    def teardown(self) -> None:
        if not hasattr(self, "path"):
            return
        for process in self.running:
            process.ledger.close()
        self.running.clear()
        self.nothing_is_given_back_and_at_most_a_block_per_process_is_idle()
        self.the_report_is_never_lower_than_what_was_spent()
        for process in self.crashed:
            process.ledger.close()
        shutil.rmtree(self.directory)

    def the_report_is_never_lower_than_what_was_spent(self) -> None:
        with closing(opened(self.path, self.clock)) as ledger:
            for (window, start), counted in self.counted.items():
                if window == Window.DAY.value:
                    day = datetime.fromtimestamp(start, UTC).date()
                    billed = sum(row.billed for row in ledger.report(day, day))
                    assert counted <= billed <= counted + self.idle((window, start))

    def key(self, window: Window) -> Key:
        return window.value, window.bounds(self.clock.now())[0]

    def idle(self, key: Key, asking: Process | None = None) -> int:
        """The most that can be leased and idle: a block per process, but that of the one that asks."""
        return self.block * sum(key in each.windows for each in self.running + self.crashed if each is not asking)

    def leased(self) -> dict[Key, int]:
        if not self.path.exists():
            return {}
        with closing(sqlite3.connect(self.path)) as db:
            rows = db.execute("SELECT window, start, leased FROM leases").fetchall()
        return {(window, start): leased for window, start, leased in rows}


TestSpending = Spending.TestCase
TestSpending.settings = examples(60, stateful_step_count=40)
