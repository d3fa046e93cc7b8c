"""Worker leases by a file lock, and in PostgreSQL with a fencing token."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from gateway.clock import SystemClock
from gateway.durable import database_leases
from gateway.durable.database import Database
from gateway.durable.encryption import JsonCipher
from gateway.durable.executor import CancellationToken
from gateway.durable.leases import FileLease, LeaseLost, WorkerLease
from gateway.durable.port import Status
from gateway.durable.store import Changed, WorkflowStore
from tests.durable.lease_contract import LeaseContract, Take
from tests.durable.postgres import Cluster

KEY = b"k" * 32
LONG = 600.0
TABLES = """CREATE SCHEMA dbos;
    CREATE TABLE dbos.workflow_status (workflow_uuid text, status text, executor_id text);"""
LEFT = """INSERT INTO dbos.workflow_status
    SELECT 'web:1', 'PENDING', executor FROM gateway_flow_workers"""


class TestFileLease(LeaseContract):
    @pytest.fixture
    def take(self, open_leases: ExitStack) -> Take:
        def taken(folder: Path) -> WorkerLease:
            return open_leases.enter_context(closing(FileLease(folder)))

        return taken


class Machines:
    """Processes on one database, whose tables of DBOS say that the first of them has left a flow."""

    def __init__(self, url: str, stack: ExitStack) -> None:
        self.url = url
        self._stack = stack

    def store(self) -> WorkflowStore:
        store = WorkflowStore(self.url, JsonCipher(KEY), SystemClock(), patience=20.0)
        self._stack.callback(store.close)
        store.prepare()
        return store

    def take(self, folder: Path, seconds: float = LONG, store: WorkflowStore | None = None) -> WorkerLease:
        lease = (store or self.store()).lease(folder, seconds, time.monotonic)
        self._stack.callback(lease.close)
        return lease

    def tell(self, text: str) -> None:
        with psycopg.connect(self.url.replace("postgresql+psycopg:", "postgresql:")) as db:
            db.execute(text.encode())

    def let_end(self, lease: WorkerLease) -> None:
        """Its process has slept for so long."""
        with psycopg.connect(self.url.replace("postgresql+psycopg:", "postgresql:")) as db:
            db.execute("UPDATE gateway_flow_workers SET expires_at = now() WHERE executor = %s", [lease.executor])

    def check(self, lease: WorkerLease, token: int) -> None:
        database = Database(self.url, patience=20.0)
        with closing(database), database.transaction() as db:
            lease.check(db, token, until_commit=False)


@pytest.fixture
def machines(postgres: Cluster) -> Iterator[Machines]:
    with ExitStack() as stack:
        made = Machines(postgres.create(), stack)
        made.store()
        yield made


class TestDatabaseLease(LeaseContract):
    @pytest.fixture
    def take(self, machines: Machines) -> Take:
        machines.tell(TABLES)
        return machines.take


def test_the_lease_of_a_host_that_is_gone_is_taken_over_by_one_other_host_with_another_token(
    machines: Machines, tmp_path: Path
) -> None:
    gone = machines.take(tmp_path / "gone")
    machines.tell(TABLES)
    machines.tell(LEFT)
    heirs = [machines.take(tmp_path / name) for name in ("one", "other")]
    with heirs[0].abandoned() as found:
        assert found == (), "its lease has not ended"
    machines.let_end(gone)
    with heirs[0].abandoned() as found, heirs[1].abandoned() as left:
        assert (found, left) == ((gone.executor,), ())
        with pytest.raises(LeaseLost):
            gone.renew()
        with pytest.raises(LeaseLost):
            gone.retake()
    token = gone.token
    gone.retake()
    assert gone.token > token
    gone.renew()


def test_a_lease_that_was_not_renewed_is_lost_even_if_nobody_took_it(machines: Machines, tmp_path: Path) -> None:
    lease = machines.take(tmp_path)
    machines.check(lease, lease.token)
    machines.let_end(lease)
    with pytest.raises(LeaseLost):
        machines.check(lease, lease.token)
    with pytest.raises(LeaseLost):
        lease.renew()
    assert lease.remaining() < 0


def test_the_holder_reckons_with_less_time_than_the_database(machines: Machines, tmp_path: Path) -> None:
    assert machines.take(tmp_path, seconds=100.0).remaining() < 90.0


def test_nothing_is_recorded_about_a_run_by_who_has_lost_the_lease(machines: Machines, tmp_path: Path) -> None:
    store = machines.store()
    lease = machines.take(tmp_path, store=store)
    store.accept("body", "web:1", None, CancellationToken())
    token = lease.token
    lease.retake()
    change = {"web:1": Changed(notes={"progress": 5})}
    with pytest.raises(LeaseLost):
        store.write(change, token)
    with pytest.raises(LeaseLost):
        store.end("web:1", Status.DONE, token=token)
    with pytest.raises(LeaseLost):
        store.status_for_run("web:1", token)
    record = store.get("web:1")
    assert record is not None
    assert (record.status, record.notes) == (Status.RUNNING, {})
    store.write(change, lease.token)
    assert store.status_for_run("web:1", lease.token) is Status.RUNNING


def test_a_lease_changes_hands_only_after_what_was_checked_is_committed(machines: Machines, tmp_path: Path) -> None:
    lease = machines.take(tmp_path)
    database = Database(machines.url, patience=20.0)
    hasty = "SET lock_timeout = '200ms'; UPDATE gateway_flow_workers SET token = token + 1"
    with closing(database):
        with database.transaction() as db:
            lease.check(db, lease.token, until_commit=True)
            with pytest.raises(psycopg.errors.LockNotAvailable):
                machines.tell(hasty)
            db.execute(sa.text("SELECT 1"))
        machines.tell(hasty)


def test_a_copy_of_a_data_directory_on_another_machine_has_another_name(machines: Machines, tmp_path: Path) -> None:
    """It has the same id, and nobody sees the other's file locks."""
    first, copy = machines.take(tmp_path / "first"), tmp_path / "copy" / "flows.slots"
    copy.mkdir(parents=True)
    (copy / "host").write_text((tmp_path / "first" / "flows.slots" / "host").read_text())
    assert machines.take(tmp_path / "copy").executor not in ("", first.executor)


def test_the_rows_of_hosts_that_never_come_back_are_deleted_in_time(
    machines: Machines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Except those that have left flows."""
    monkeypatch.setattr(database_leases, "TIDY_SECONDS", 0.0)
    left, gone = machines.take(tmp_path / "left"), machines.take(tmp_path / "gone")
    machines.tell(TABLES)
    with psycopg.connect(machines.url.replace("postgresql+psycopg:", "postgresql:")) as db:
        db.execute("INSERT INTO dbos.workflow_status VALUES ('web:1', 'PENDING', %s)", [left.executor])
        db.execute("UPDATE gateway_flow_workers SET expires_at = now() - interval '25 hours'")
    heir = machines.take(tmp_path / "heir")
    with heir.abandoned() as found:
        assert found == (left.executor,)
    with psycopg.connect(machines.url.replace("postgresql+psycopg:", "postgresql:")) as db:
        rows = {executor for (executor,) in db.execute("SELECT executor FROM gateway_flow_workers")}
    assert rows == {left.executor, heir.executor}
    assert gone.executor not in rows
