"""What goes wrong around an engine, over SQLite and over PostgreSQL: each test is named after the failure."""

from __future__ import annotations

import asyncio
import base64
import random
import sqlite3
import stat
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa

from gateway.clock import SystemClock
from gateway.durable.database import engine
from gateway.durable.encryption import KEY_FILE, DecryptionError, JsonCipher, key_in
from gateway.durable.engine import DbosDurable
from gateway.durable.executor import STANDARD, CancellationToken, StoreTimeouts
from gateway.durable.port import Json, Run, Status
from gateway.durable.store import WorkflowStore
from gateway.errors import FlowsUnavailable
from gateway.events import Event, WorkflowStoreAvailabilityChanged
from tests.durable.harness import SOON, World, ended, pruned, refused, until
from tests.durable.postgres import Cluster, cluster

ID = "web:1"
MARK = "MARKER-4711"
WEEK = 7 * 86_400.0


@pytest.fixture(scope="module")
def server() -> Iterator[Cluster]:
    """Not the shared one: these tests stop it."""
    with cluster() as made:
        yield made


@dataclass
class Place:
    """Where flows are, and how that is taken away; `patience` is for tests that wait until it is at an end."""

    url: str
    folder: Path
    gone: Callable[[], AbstractContextManager[None]]
    patience: StoreTimeouts = STANDARD

    def engine(
        self,
        hook: Callable[[Event], None],
        *,
        key: bytes | None = None,
        retention: float = WEEK,
        patience: StoreTimeouts = STANDARD,
    ) -> DbosDurable:
        return DbosDurable(
            self.url,
            self.folder,
            clock=SystemClock(),
            hook=hook,
            dice=random.Random(1),
            retention=retention,
            key=None if key is None else lambda: key,
            patience=patience,
        )

    def rows(self) -> dict[str, list[str]]:
        """Every row of every table, as text."""
        made = sa.create_engine(self.url)
        tables = sa.MetaData()
        for schema in [None] if made.dialect.name == "sqlite" else ["public", "dbos"]:
            tables.reflect(made, schema=schema)
        with made.connect() as db:
            found = {table.fullname: [str(row) for row in db.execute(table.select())] for table in tables.sorted_tables}
        made.dispose()
        return found


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Whoever wants to write waits for ever."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("BEGIN EXCLUSIVE")
        yield
        db.execute("ROLLBACK")


@contextmanager
def stopped(server: Cluster) -> Iterator[None]:
    server.stop()
    try:
        yield
    finally:
        server.start()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "sqlite":
        path = tmp_path / "flows.sqlite3"
        return Place(f"sqlite:///{path}", tmp_path, lambda: locked(path), StoreTimeouts(statement=1.5, caller=2.5))
    server: Cluster = request.getfixturevalue("server")
    return Place(server.create(), tmp_path, lambda: stopped(server))


@pytest.fixture
def events() -> list[Event]:
    return []


@pytest.fixture
async def launched(place: Place, world: World, events: list[Event]) -> AsyncIterator[DbosDurable]:
    """An engine whose body does `first` and `second`."""
    async with running(place.engine(events.append), world) as durable:
        yield durable


@pytest.fixture
async def impatient(place: Place, world: World, events: list[Event]) -> AsyncIterator[DbosDurable]:
    async with running(place.engine(events.append, patience=place.patience), world) as durable:
        yield durable


@asynccontextmanager
async def running(durable: DbosDurable, world: World) -> AsyncIterator[DbosDurable]:
    async def body(run: Run, input: Json) -> Json:
        await run.emit("note", input)
        return [await run.step(world.step(name, result=input)) for name in ("first", "second")]

    durable.define("body", body)
    await durable.launch()
    yield durable
    await durable.aclose()


async def reachable(durable: DbosDurable, *, wanted: bool) -> None:
    until_then = time.monotonic() + SOON
    while (durable.problem() is None) is not wanted:
        assert time.monotonic() < until_then
        await asyncio.sleep(0.02)


async def test_the_database_is_gone_when_a_flow_is_to_begin(place: Place, impatient: DbosDurable) -> None:
    """Refused soon, told by readiness, back by itself, and what was refused is never run unasked."""
    await impatient.start("body", "web:0", None)
    await ended(impatient, "web:0")
    with place.gone():
        began = time.monotonic()
        with pytest.raises(FlowsUnavailable):
            await impatient.start("body", ID, None)
        assert time.monotonic() - began <= place.patience.caller + 1.0
        await reachable(impatient, wanted=False)
    await reachable(impatient, wanted=True)
    # Whatever was still under way to the database would have arrived by now, as this does after it.
    await impatient.start("body", "web:2", None)
    await ended(impatient, "web:2")
    assert await impatient.get(ID) is None
    await impatient.start("body", ID, None)
    assert (await ended(impatient)).status is Status.DONE


async def test_the_database_is_gone_while_a_flow_runs(
    place: Place, impatient: DbosDurable, world: World, events: list[Event]
) -> None:
    gate = world.gate("first")
    await impatient.start("body", ID, None)
    await until(world.reached["first"])
    with place.gone():
        gate.set()
        await reachable(impatient, wanted=False)
    await reachable(impatient, wanted=True)
    record = await ended(impatient)
    assert record.status is Status.DONE
    assert world.done["second"] == 1
    assert [event for event in events if isinstance(event, WorkflowStoreAvailabilityChanged)] == [
        WorkflowStoreAvailabilityChanged(True),
        WorkflowStoreAvailabilityChanged(False),
        WorkflowStoreAvailabilityChanged(True),
    ]


async def test_the_database_is_gone_at_launch(place: Place, world: World, events: list[Event]) -> None:
    durable = place.engine(events.append)
    await durable.launch()
    await durable.aclose()
    durable = place.engine(events.append, patience=place.patience)

    async def body(run: Run, input: Json) -> Json:
        return await run.step(world.step("first"))

    durable.define("body", body)
    with place.gone():
        began = time.monotonic()
        await durable.launch()
        assert time.monotonic() - began <= place.patience.caller + 1.0
        assert durable.problem() is not None
        with pytest.raises(FlowsUnavailable):
            await durable.start("body", ID, None)
    await reachable(durable, wanted=True)
    await durable.start("body", ID, None)
    assert (await ended(durable)).status is Status.DONE
    await durable.aclose()


async def test_plain_text_left_in_the_database(place: Place, launched: DbosDurable, world: World) -> None:
    """Neither while it runs nor afterwards; and what is forgotten is gone, sealed or not."""
    world.failures["second"] = [refused()]
    gate = world.gate("second")
    await launched.start("body", ID, {"title": MARK})
    await until(world.reached["second"])
    during = place.rows()
    gate.set()
    assert (await ended(launched)).status is Status.FAILED
    after = place.rows()
    for rows in (during, after):
        assert MARK not in str(rows)
        assert base64.b64encode(MARK.encode()).decode()[4:-4] not in str(rows)
    assert "too large" not in str(after)
    assert any(ID in str(rows) for rows in after.values())
    await pruned(launched, time.time() + 60.0)
    assert ID not in str(place.rows())


async def test_pickles_in_the_database(place: Place, launched: DbosDurable) -> None:
    """Whoever can write there must not be able to run code here: every text opens with the seal, or is no value."""
    await launched.start("body", ID, MARK)
    await ended(launched)
    seal = JsonCipher(key_in(place.folder))
    made = sa.create_engine(place.url)
    schema = None if made.dialect.name == "sqlite" else "dbos"
    with made.connect() as db:
        for table, column in (
            ("operation_outputs", "output"),
            ("workflow_input", "inputs"),
            ("workflow_output", "output"),
        ):
            columns = sa.table(table, sa.column(column), schema=schema)
            texts = [text for text in db.scalars(columns.select()) if text is not None]
            # DBOS writes down that a workflow has ended a moment after we have.
            assert texts or table == "workflow_output"
            for text in texts:
                seal.open(text)
    made.dispose()


async def test_another_key_than_the_flows_were_written_with(place: Place, launched: DbosDurable) -> None:
    await launched.start("body", ID, MARK)
    await ended(launched)
    await launched.aclose()
    other = place.engine(lambda event: None, key=bytes(32))
    await other.launch()
    assert "another key" in (other.problem() or "")
    with pytest.raises(FlowsUnavailable):
        await other.get(ID)
    await other.aclose()


async def test_history_that_grows_for_ever(place: Place, launched: DbosDurable) -> None:
    await launched.start("body", ID, None)
    await ended(launched)
    async with asyncio.timeout(SOON):
        while "SUCCESS" not in str(place.rows()):  # noqa: ASYNC110 (DBOS tells nobody that it has written this down)
            await asyncio.sleep(0.02)
    await launched.aclose()
    next_life = place.engine(lambda event: None, retention=0.0)
    await next_life.launch()
    until_then = time.monotonic() + SOON
    while await next_life.get(ID) is not None:
        assert time.monotonic() < until_then
        await asyncio.sleep(0.02)
    await next_life.aclose()


async def test_a_body_on_another_loop_than_the_gateways(place: Place, world: World) -> None:
    """Clients of HTTP belong to the loop they were made on; and it needs its threads when the engine is closed."""
    loops = []
    gate = world.gate("first")

    async def body(run: Run, input: Json) -> Json:
        loops.append(asyncio.get_running_loop())
        return await run.step(world.step("first"))

    for _ in range(2):
        durable = place.engine(lambda event: None)
        durable.define("body", body)
        await durable.launch()
        await durable.start("body", ID, None)
        await until(world.reached["first"])
        world.reached["first"].clear()
        if len(loops) == 2:
            gate.set()
            await ended(durable)
        await durable.aclose()
        assert await asyncio.to_thread(lambda: "threads") == "threads"
    assert set(loops) == {asyncio.get_running_loop()}
    assert len(loops) == 2


async def test_a_body_that_is_not_deterministic(place: Place, world: World) -> None:
    """It must not be given the result of another step."""
    world.gate("second")
    names = ["first", "changed"]

    async def body(run: Run, input: Json) -> Json:
        await run.step(world.step(names.pop(0)))
        return await run.step(world.step("second"))

    durable = place.engine(lambda event: None)
    durable.define("body", body)
    await durable.launch()
    await durable.start("body", ID, None)
    await until(world.reached["second"])
    await durable.aclose()
    durable = place.engine(lambda event: None)
    durable.define("body", body)
    await durable.launch()
    record = await ended(durable)
    await durable.aclose()
    assert record.fault is not None
    assert record.fault.code == "INTERNAL_SERVER_ERROR"
    assert world.done == {"first": 1, "second": 1}


def test_the_pragmas_that_a_custom_engine_loses(tmp_path: Path) -> None:
    made = engine(f"sqlite:///{tmp_path}/flows.sqlite3", patience=3.0)
    with made.connect() as db:
        found = {
            name: db.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "busy_timeout", "foreign_keys", "secure_delete")
        }
        isolation = getattr(db.connection.dbapi_connection, "isolation_level", None)
    made.dispose()
    assert isolation == "IMMEDIATE"
    assert found == {
        "journal_mode": "wal",
        "synchronous": 2,
        "busy_timeout": 3_000,
        "foreign_keys": 1,
        "secure_delete": 1,
    }


def test_what_was_forgotten_is_left_in_the_file(tmp_path: Path) -> None:
    """SQLite marks deleted rows as free space, and its log keeps them: the sealed text would outlive its retention."""
    path = tmp_path / "flows.sqlite3"
    seal = JsonCipher(bytes(32))
    with closing(WorkflowStore(f"sqlite:///{path}", seal, SystemClock(), patience=3.0)) as store:
        store.prepare()
        store.accept("body", ID, MARK * 100, CancellationToken())
        with closing(sqlite3.connect(path)) as db:
            (sealed,) = db.execute("SELECT input FROM gateway_flows").fetchone()
            db.executescript(
                "CREATE TABLE workflow_status (workflow_uuid, status); CREATE TABLE operation_outputs (workflow_uuid);"
                "CREATE TABLE workflow_input (workflow_uuid); CREATE TABLE workflow_output (workflow_uuid);"
            )
        store.end(ID, Status.DONE)
        assert store.prune(time.time() + 1) == 1
        left = b"".join(file.read_bytes() for file in tmp_path.glob("flows.sqlite3*"))
    assert sealed.encode()[:100] not in left


def test_a_refused_start_that_is_committed_later(tmp_path: Path) -> None:
    """Its thread may be anywhere on the way when the caller is told that it took too long."""
    with closing(
        WorkflowStore(f"sqlite:///{tmp_path}/flows.sqlite3", JsonCipher(bytes(32)), SystemClock(), patience=3.0)
    ) as store:
        store.prepare()
        ticket = CancellationToken()
        ticket.withdraw()
        with pytest.raises(FlowsUnavailable):
            store.accept("body", ID, None, ticket)
        assert store.get(ID) is None


def test_a_key_that_others_can_read(tmp_path: Path) -> None:
    key_in(tmp_path)
    assert stat.S_IMODE((tmp_path / KEY_FILE).stat().st_mode) == 0o600
    assert key_in(tmp_path) == (tmp_path / KEY_FILE).read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == [KEY_FILE]


def test_a_text_that_was_tampered_with() -> None:
    seal = JsonCipher(bytes(32))
    text = seal.close({"a": 1})
    assert seal.open(text) == {"a": 1}
    assert seal.close({"a": 1}) != text
    for broken in (text[:-8] + "AAAAAAA=", text[8:], "", "{}"):
        with pytest.raises(DecryptionError):
            seal.open(broken)
