"""Any order of readings, purchases, flushes, crashes and hours, by several processes that spend from one account."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, MultipleResults, RuleBasedStateMachine, initialize, invariant, multiple, rule

from gateway.billing.account_guard import AccountGuard
from gateway.billing.account_leases import BalanceReading
from gateway.billing.budget import OperationBudget, Reservation
from gateway.billing.leases import RESTING_SECONDS
from gateway.billing.ledger import Ledger
from gateway.errors import InsufficientFunds
from tests.billing.budgets import BEFORE_MONTH_END, ENDPOINT, budget, opened, reserve, spend, written
from tests.fakes.clock import ManualClock
from tests.profiles import examples

HOUR = 3_600
# A call is answered within this time.
CALL_SECONDS = 600


class Skewed(ManualClock):
    """The clock of one machine."""

    def __init__(self, true: ManualClock, ahead: float) -> None:
        super().__init__()
        self._true = true
        self._ahead = ahead

    def now(self) -> float:
        return self._true.now() + self._ahead


@dataclass(eq=False)
class Process:
    ledger: Ledger
    clock: Skewed
    account: AccountGuard
    alive: bool = True
    has_read: bool = False

    def budget(self) -> OperationBudget:
        return budget(self.ledger, self.clock, {}, account=self.account)

    def flush(self) -> None:
        asyncio.run(self.ledger.flush())
        self.account.carry(self.ledger, self.clock.now())


@dataclass(eq=False)
class Question:
    """`balance` is None until the upstream has looked at it."""

    process: Process
    requested_at: float
    charged: Mapping[int, int]
    balance: int | None = None


@dataclass(eq=False)
class Purchase:
    process: Process
    reservation: Reservation
    price: int
    charged: int | None = None
    """None until the upstream has answered."""


class Account(RuleBasedStateMachine):
    """`balance` is that of the upstream, `open` are the purchases that are not settled."""

    processes = Bundle[Process]("processes")
    readings = Bundle[Question]("readings")
    purchases = Bundle[Purchase]("purchases")

    @initialize(balance=st.integers(0, 3_000), floor=st.integers(0, 40))
    def begin(self, balance: int, floor: int) -> None:
        self.directory = Path(tempfile.mkdtemp())
        self.clock = ManualClock(BEFORE_MONTH_END)
        self.floor = floor
        self.balance = floor + balance
        self.running: list[Process] = []
        self.crashed: list[Process] = []
        self.open: list[Purchase] = []

    @rule(target=processes, ahead=st.sampled_from([0.0, 0.0, -3.0, 40.0]))
    def start(self, ahead: float) -> Process | MultipleResults[Process]:
        if len(self.running) == 3:
            return multiple()
        clock = Skewed(self.clock, ahead)
        process = Process(opened(self.directory / "ledger.db", clock), clock, AccountGuard(floor=self.floor))
        self.running.append(process)
        return process

    @rule(target=readings, process=processes, flushes=st.booleans())
    def ask(self, process: Process, flushes: bool) -> Question | MultipleResults[Question]:
        if not process.alive:
            return multiple()
        if flushes:
            asyncio.run(process.ledger.flush())
        requested_at = process.clock.now()
        return Question(process, requested_at, process.ledger.account.charged(requested_at))

    @rule(reading=readings)
    def look(self, reading: Question) -> None:
        if reading.balance is None:
            reading.balance = self.balance

    @rule(reading=readings)
    def answer(self, reading: Question) -> None:
        """Each once: a later look belongs to another reading."""
        if reading.balance is not None and reading.process.alive:
            noted = BalanceReading(reading.balance, reading.requested_at, reading.charged)
            reading.process.account.note_balance(noted)
            reading.process.has_read = True
            reading.process = Process(reading.process.ledger, reading.process.clock, reading.process.account, False)

    @rule(process=processes)
    def read(self, process: Process) -> None:
        """All of that at once."""
        reading = self.ask(process, True)
        if isinstance(reading, Question):
            self.look(reading)
            self.answer(reading)

    @rule(target=purchases, process=processes, price=st.integers(1, 60))
    def reserve(self, process: Process, price: int) -> Purchase | MultipleResults[Purchase]:
        if not (process.alive and process.has_read):
            return multiple()
        try:
            purchase = Purchase(process, reserve(process.budget(), price), price)
        except InsufficientFunds:
            return multiple()
        self.open.append(purchase)
        return purchase

    @rule(purchase=purchases, is_billed=st.booleans())
    def charge(self, purchase: Purchase, is_billed: bool) -> None:
        """Also the call of a process that has died since."""
        if purchase.charged is None:
            purchase.charged = purchase.price if is_billed else 0
            self.balance -= purchase.charged

    @rule(purchase=purchases)
    def settle(self, purchase: Purchase) -> None:
        if purchase.charged is not None and purchase.process.alive and purchase in self.open:
            self.open.remove(purchase)
            purchase.reservation.settle(purchase.charged, endpoint=ENDPOINT)
            written(purchase.process.ledger)

    @rule(process=processes)
    def flush(self, process: Process) -> None:
        if process.alive:
            process.flush()

    @rule(process=processes)
    def lease_ahead(self, process: Process) -> None:
        if process.alive:
            asyncio.run(process.account.lease_ahead(process.ledger, process.clock.now()))

    @rule(seconds=st.sampled_from([1, 20, 60, HOUR, HOUR, 86_400]))
    def wait(self, seconds: int) -> None:
        if seconds > CALL_SECONDS:
            self.end_calls()
        self.clock.advance(seconds)

    @rule(amount=st.integers(1, 500))
    def top_up(self, amount: int) -> None:
        self.balance += amount

    @rule(process=processes)
    def crash(self, process: Process) -> None:
        if process.alive:
            process.alive = False
            self.running.remove(process)
            self.crashed.append(process)

    @rule(process=processes)
    def close(self, process: Process) -> None:
        """A clean end waits for the calls."""
        if process.alive:
            self.end_calls()
            process.alive = False
            self.running.remove(process)
            process.ledger.close()

    def end_calls(self) -> None:
        for purchase in list(self.open):
            self.charge(purchase, True)
            self.settle(purchase)

    @invariant()
    def the_account_does_not_sink_below_its_floor(self) -> None:
        pending = sum(purchase.price for purchase in self.open if purchase.charged is None)
        assert self.balance - pending >= self.floor

    def teardown(self) -> None:
        if not hasattr(self, "directory"):
            return
        self.end_calls()
        self.nothing_is_stranded()
        for process in self.running + self.crashed:
            process.ledger.close()
        shutil.rmtree(self.directory)

    def nothing_is_stranded(self) -> None:
        """After idle blocks are handed back, and what the dead have left is two hours old."""
        self.clock.advance(2 * HOUR if self.crashed else RESTING_SECONDS)
        for process in self.running:
            process.flush()
        self.clock.advance(60)
        clock = Skewed(self.clock, 0.0)
        with closing(opened(self.directory / "ledger.db", clock)) as ledger:
            last = Process(ledger, clock, AccountGuard(floor=self.floor))
            self.read(last)
            self.spend_all(last)
        assert self.balance == self.floor

    def spend_all(self, process: Process) -> None:
        while self.balance > self.floor:
            price = min(50, self.balance - self.floor)
            spend(process.budget(), price)
            self.balance -= price
        try:
            spend(process.budget(), 1)
        except InsufficientFunds:
            return
        raise AssertionError("bought below the floor")


TestAccount = Account.TestCase
TestAccount.settings = examples(1_000, stateful_step_count=60)
