"""Versions of the store of the flows, on SQLite and on PostgreSQL."""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from gateway.clock import SystemClock
from gateway.durable import store_migrations
from gateway.durable.encryption import JsonCipher
from gateway.durable.engine import DbosDurable
from gateway.durable.executor import CancellationToken
from gateway.durable.store import WorkflowStore
from gateway.durable.store_migrations import version_in
from gateway.durable.supervisor import TOO_NEW
from gateway.errors import FlowsUnavailable
from gateway.events import Event, FlowsDirectoryRefused
from gateway.migrations import ABSENT, Migration, StoreTooNew, Version
from gateway.version import version
from tests.durable.postgres import Cluster

KEY = b"k" * 32
ADDED = "ALTER TABLE gateway_flows ADD COLUMN added TEXT"
BROKEN = "ALTER TABLE no_such_table ADD COLUMN added TEXT"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/flows.sqlite3"
    server: Cluster = request.getfixturevalue("postgres")
    return server.create()


def used(url: str) -> list[str]:
    """Opened, and written to; the ids of the flows in it then."""
    with closing(WorkflowStore(url, JsonCipher(KEY), SystemClock(), patience=20.0)) as store:
        store.prepare()
        store.accept("body", "web:1", {"title": "a"}, CancellationToken())
        return [record.id for record in store.page("", None, 10, None)]


@contextmanager
def knowing(major: int, minor: int, *texts: str) -> Iterator[None]:
    """The code of a later gateway."""

    def apply(db: sa.Connection) -> None:
        for text in texts:
            db.exec_driver_sql(text)

    later = Migration(Version(major, minor), apply)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store_migrations, "MIGRATIONS", (*store_migrations.MIGRATIONS, later))
        yield


def tables(url: str) -> dict[str, list[str]]:
    engine = sa.create_engine(url)
    names = sa.inspect(engine)
    found = {table: [column["name"] for column in names.get_columns(table)] for table in names.get_table_names()}
    engine.dispose()
    return found


def without_record(url: str) -> None:
    """As a gateway has left it that wrote no version."""
    engine = sa.create_engine(url)
    with engine.begin() as db:
        store_migrations.RECORD.drop(db)
    engine.dispose()


def test_a_new_store_says_its_version_and_who_made_it(url: str) -> None:
    assert version_in(url).found == ABSENT
    used(url)
    assert (version_in(url).found, version_in(url).writer) == (Version(1, 2), version())


def test_a_store_without_a_version_is_of_the_first_and_is_brought_forward(url: str) -> None:
    used(url)
    without_record(url)
    assert version_in(url).found == Version(1, 0)
    assert used(url) == ["web:1"]
    assert version_in(url).found == Version(1, 2)


def test_a_store_with_a_higher_minor_version_is_used_as_it_is(url: str) -> None:
    with knowing(1, 3, ADDED):
        used(url)
    assert used(url) == ["web:1"]
    assert version_in(url).found == Version(1, 3)
    assert tables(url)["gateway_flows"][-1] == "added"


async def test_a_store_with_a_higher_major_version_is_refused_and_reported(url: str, tmp_path: Path) -> None:
    """The gateway serves reads meanwhile."""
    with knowing(2, 0, ADDED):
        used(url)
    before, events = tables(url), list[Event]()
    with pytest.raises(StoreTooNew, match=r"The store of the flows is of version 2\.0, written by .* knows 1\.2"):
        used(url)
    durable = DbosDurable(
        url, tmp_path, clock=SystemClock(), hook=events.append, dice=random.Random(1), retention=1.0, key=lambda: KEY
    )
    await durable.launch()
    assert durable.problem() == TOO_NEW
    await durable.aclose()
    (refused,) = [event for event in events if isinstance(event, FlowsDirectoryRefused)]
    assert "is of version 2.0" in refused.problem
    assert tables(url) == before


def test_a_migration_that_fails_half_way_leaves_the_store_as_it_was(url: str) -> None:
    used(url)
    before = tables(url)
    with knowing(1, 3, ADDED, BROKEN), pytest.raises(FlowsUnavailable):
        used(url)
    assert tables(url) == before
    assert used(url) == ["web:1"]
    assert version_in(url).found == Version(1, 2)


def test_gateways_that_start_at_once_take_turns(url: str) -> None:
    """A column that is added twice is an error."""
    used(url)
    with knowing(1, 3, ADDED), ThreadPoolExecutor(4) as threads:
        assert list(threads.map(used, [url] * 4)) == [["web:1"]] * 4
    assert tables(url)["gateway_flows"].count("added") == 1


def test_a_store_that_cannot_be_reached_has_no_version(tmp_path: Path) -> None:
    with pytest.raises(FlowsUnavailable):
        version_in(f"postgresql+psycopg://nobody@/none?host={tmp_path}")
