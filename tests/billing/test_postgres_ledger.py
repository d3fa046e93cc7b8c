"""The ledger's store in PostgreSQL."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import date
from pathlib import Path

import pytest

from gateway.billing import postgres_connection
from gateway.billing.leases import CHARGED
from gateway.billing.ledger import Ledger
from gateway.billing.ledger_store import LedgerUnusable, Row
from gateway.billing.postgres_ledger import PostgresLedger
from gateway.domain.window import Window
from gateway.errors import AllowanceExceeded, LedgerUnavailable
from tests.billing.budgets import BEFORE_MONTH_END, ENDPOINT, budget, reserved
from tests.billing.ledger_contract import StoreContract
from tests.billing.ledger_places import PostgresPlace
from tests.billing.postgres_proxy import Proxy, State
from tests.durable.postgres import Cluster
from tests.fakes.clock import ManualClock

MARCH_31 = date(2026, 3, 31)
LIMITS = {Window.DAY: 1000}
# The connections to this database: other tests use the same server.
BREAK = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid != pg_backend_pid()"""
PASSWORD = "p4ssword-never-seen"  # pragma: allowlist secret


@pytest.fixture
def place(postgres: Cluster) -> PostgresPlace:
    return PostgresPlace(postgres.create().replace("postgresql+psycopg:", "postgresql:"))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(BEFORE_MONTH_END)


@pytest.fixture
def wire(postgres: Cluster, tmp_path: Path) -> Iterator[Proxy]:
    with contextlib.closing(Proxy(tmp_path, postgres.folder)) as made:
        yield made


@pytest.fixture
def ledger(
    wire: Proxy, place: PostgresPlace, clock: ManualClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Ledger]:
    """Behind the wire, and without much patience."""
    monkeypatch.setattr(postgres_connection, "TRANSACTION_SECONDS", 0.3)
    url = f"{place.url.partition('?')[0]}?host={tmp_path}"
    ledger = Ledger(PostgresLedger(url), clock=clock)
    yield ledger
    wire.state = State.OPEN
    ledger.close()


class TestPostgresLedger(StoreContract):
    pass


@pytest.mark.parametrize("state", [State.CUT, State.FROZEN])
async def test_while_the_database_is_away_what_is_leased_is_spent_and_then_nothing(
    ledger: Ledger, wire: Proxy, place: PostgresPlace, clock: ManualClock, state: State
) -> None:
    one = budget(ledger, clock, LIMITS)
    (await reserved(one, 1)).settle(1, endpoint=ENDPOINT)
    wire.state = state
    with pytest.raises(LedgerUnavailable):
        await ledger.flush()
    for _ in range(49):
        one.admit(1)
        one.reserve(1).settle(1, endpoint=ENDPOINT)
    for limits in (LIMITS, {}):
        with pytest.raises(LedgerUnavailable):
            budget(ledger, clock, limits).reserve(1)
    assert not ledger.is_lost
    wire.state = State.OPEN
    await ledger.flush()
    (await reserved(one, 1)).settle(1, endpoint=ENDPOINT)
    assert [row.billed for row in await ledger.read(MARCH_31, MARCH_31) if row.calls] == [51]
    assert place.leased() == {"day": 100}


async def test_the_event_loop_goes_on_while_the_database_is_frozen(
    ledger: Ledger, wire: Proxy, clock: ManualClock
) -> None:
    wire.state = State.FROZEN
    buying = asyncio.create_task(reserved(budget(ledger, clock, LIMITS), 1))
    for _ in range(100):
        await asyncio.sleep(0)
    assert not buying.done()
    with pytest.raises(LedgerUnavailable):
        await buying


@pytest.mark.parametrize("state", [State.LOSES_COMMITS, State.LOSES_ANSWERS])
async def test_a_commit_of_unknown_outcome_counts_once(
    ledger: Ledger, wire: Proxy, place: PostgresPlace, clock: ManualClock, state: State
) -> None:
    """It hands back, leases for another client, and itemises: all of that was committed, or nothing."""
    one = budget(ledger, clock, LIMITS)
    large = await reserved(one, 300)
    other = asyncio.create_task(reserved(budget(ledger, clock, LIMITS, client="other"), 7))
    wire.state = state
    large.settle(2, endpoint=ENDPOINT)
    with pytest.raises(LedgerUnavailable):
        await asyncio.gather(ledger.flush(), other)
    with suppress(LedgerUnavailable):
        await other
    wire.state = State.OPEN
    await ledger.flush()
    await ledger.flush()
    rows = await ledger.read(MARCH_31, MARCH_31, "web")
    assert [row for row in rows if row.calls] == [Row(MARCH_31, "web", ENDPOINT, 1, 2)]
    assert not ledger.is_lost
    with place.connection() as db:
        found = dict(db.execute("SELECT client, leased FROM gateway_ledger_leases").fetchall())
    assert found["web"] == 52
    assert found[CHARGED] == 2
    assert found.get("other", 0) <= 50
    (await reserved(one, 998)).settle(998, endpoint=ENDPOINT)
    with pytest.raises(AllowanceExceeded):
        await reserved(one, 1)


async def test_what_was_perhaps_handed_back_is_not_spent(
    ledger: Ledger, wire: Proxy, place: PostgresPlace, clock: ManualClock
) -> None:
    """Another process may have leased it since."""
    one = budget(ledger, clock, LIMITS)
    large = await reserved(one, 1000)
    wire.state = State.LOSES_ANSWERS
    large.settle(0, endpoint=ENDPOINT)
    with pytest.raises(LedgerUnavailable):
        await ledger.flush()
    with closing(Ledger(place.store(), clock=clock)) as other:
        (await reserved(budget(other, clock, LIMITS), 950)).settle(950, endpoint=ENDPOINT)
        for _ in range(50):
            one.reserve(1).settle(1, endpoint=ENDPOINT)
        with pytest.raises(LedgerUnavailable):
            one.reserve(1)
        wire.state = State.OPEN
        await ledger.flush()
        with pytest.raises(AllowanceExceeded):
            await reserved(one, 1)
    assert place.leased() == {"day": 1000}


async def test_a_broken_connection_is_replaced_at_once(
    ledger: Ledger, place: PostgresPlace, clock: ManualClock
) -> None:
    await ledger.flush()
    with place.connection() as db:
        db.execute(BREAK)
    (await reserved(budget(ledger, clock, LIMITS), 1)).settle(1, endpoint=ENDPOINT)
    assert place.leased() == {"day": 50}


async def test_who_holds_the_rows_stops_purchases_of_one_client_for_a_moment_only(
    place: PostgresPlace, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_connection, "OPTIONS", "-c lock_timeout=50")
    with closing(Ledger(place.store(), clock=clock)) as ledger:
        one = budget(ledger, clock, LIMITS)
        (await reserved(one, 50)).settle(50, endpoint=ENDPOINT)
        with place.connection() as db, db.transaction():
            db.execute("SELECT FROM gateway_ledger_leases FOR UPDATE")
            with pytest.raises(LedgerUnavailable):
                await reserved(one, 1)
        await ledger.flush()
        (await reserved(one, 1)).settle(1, endpoint=ENDPOINT)


async def test_what_another_process_has_leased_is_known_a_flush_later_and_before_a_refusal(
    place: PostgresPlace, clock: ManualClock
) -> None:
    with closing(Ledger(place.store(), clock=clock)) as ledger, closing(Ledger(place.store(), clock=clock)) as other:
        one = budget(ledger, clock, {Window.DAY: 100})
        held = await reserved(budget(other, clock, {Window.DAY: 100}), 99)
        await one.allowance.learn()
        assert one.allowance.remaining() == 1
        held.settle(10, endpoint=ENDPOINT)
        await other.flush()
        with pytest.raises(AllowanceExceeded):
            one.admit(50)
        await ledger.flush()
        one.admit(50)
        (await reserved(budget(other, clock, {Window.DAY: 100}), 90)).settle(90, endpoint=ENDPOINT)
        with pytest.raises(AllowanceExceeded):
            await reserved(one, 50)
        assert one.allowance.remaining() == 0


async def test_a_database_that_is_away_at_the_start_is_used_when_it_is_back(
    wire: Proxy, place: PostgresPlace, clock: ManualClock, tmp_path: Path
) -> None:
    wire.state = State.CUT
    ledger = Ledger(PostgresLedger(f"{place.url.partition('?')[0]}?host={tmp_path}"), clock=clock)
    with pytest.raises(LedgerUnavailable):
        await reserved(budget(ledger, clock, LIMITS), 1)
    wire.state = State.OPEN
    await ledger.flush()
    (await reserved(budget(ledger, clock, LIMITS), 1)).settle(1, endpoint=ENDPOINT)
    await ledger.aclose()
    assert place.leased() == {"day": 1}


def test_a_role_that_may_not_create_the_tables_is_told(place: PostgresPlace) -> None:
    with place.connection() as db:
        db.execute("DROP ROLE IF EXISTS ledger_reader")
        db.execute("CREATE ROLE ledger_reader LOGIN")
        try:
            with pytest.raises(LedgerUnusable, match=r"permission denied for schema public.*the role must own them"):
                PostgresLedger(place.url.replace("postgres@", "ledger_reader@"))
        finally:
            db.execute("DROP ROLE ledger_reader")


def test_an_invalid_url_is_not_quoted() -> None:
    with pytest.raises(LedgerUnusable) as refused:
        PostgresLedger(f"postgresql://postgres@127.0.0.1:1/postgres?passwort={PASSWORD}")
    assert PASSWORD not in repr([refused.value, refused.value.__cause__])


@pytest.mark.parametrize("port", ["1", PASSWORD])
async def test_no_password_is_in_the_error_of_a_database_that_is_away(clock: ManualClock, port: str) -> None:
    ledger = Ledger(PostgresLedger(f"postgresql://postgres:{PASSWORD}@127.0.0.1:{port}/postgres"), clock=clock)
    with pytest.raises(LedgerUnavailable) as refused:
        await ledger.flush()
    assert PASSWORD not in str(refused.value)
    with pytest.raises(LedgerUnavailable):
        await ledger.aclose()
