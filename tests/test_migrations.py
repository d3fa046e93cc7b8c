"""Versions of the SQLite stores: brought forward as a whole or not at all, by one process at a time, and refused."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

import pytest

from gateway.billing import ledger_file
from gateway.billing.ledger_file import LedgerFile
from gateway.billing.ledger_store import LedgerUnusable, Row
from gateway.clients import usage
from gateway.clients.usage import Uses, UsesUnreadable
from gateway.composition import layout
from gateway.composition.store_versions import prepare_stores, versions_of
from gateway.errors import LedgerUnavailable, Unusable
from gateway.migrations import ABSENT, Migration, StoreTooNew, StoreVersion, Version, statements
from gateway.settings import Settings
from gateway.version import version

ROW = Row(date(2026, 3, 30), "web", "profile", 12, 12)
V1_2, V2_0 = Version(1, 2), Version(2, 0)


def ledger(folder: Path) -> list[Row]:
    """Opened, and written to; what stands in it then."""
    with contextlib.closing(LedgerFile(folder / "gateway.sqlite3")) as file:
        with file.transaction():
            file.lease("web", "minute", 0, 1)
            file.spend([ROW])
        return file.report(date.min, date.max, None)


def keys(folder: Path) -> dict[str, float]:
    Uses(folder).note({"key": 1.0})
    return Uses(folder).read()


@dataclass(frozen=True)
class Kind:
    """A store in one SQLite file. `use` opens it and writes to it; `error` is for a file that cannot be used."""

    name: str
    file: str
    module: object
    use: Callable[[Path], object]
    table: str
    error: type[Exception]
    twice: object
    """What stands in it after the second use."""


SPENT = [Row(date(2026, 3, 30), "web", "profile", 24, 24)]
LEDGER = Kind("ledger", "gateway.sqlite3", ledger_file, ledger, "spending", LedgerUnusable, SPENT)
KEYS = Kind("keys", usage.NAME, usage, keys, "uses", UsesUnreadable, {"key": 1.0})


@pytest.fixture(params=[LEDGER, KEYS], ids=lambda kind: kind.name)
def kind(request: pytest.FixtureRequest) -> Kind:
    return request.param  # type: ignore[no-any-return]


def found(folder: Path, kind: Kind) -> tuple[Version, str | None]:
    versions = versions_of(Settings(data_dir=folder))[kind.name]
    return versions.found, versions.writer


def read(folder: Path, kind: Kind, text: str) -> list[tuple[object, ...]]:
    with contextlib.closing(sqlite3.connect(folder / kind.file)) as db:
        return db.execute(text).fetchall()


@contextlib.contextmanager
def knowing(kind: Kind, *more: Migration[sqlite3.Connection]) -> Iterator[None]:
    """The code of a later gateway."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kind.module, "MIGRATIONS", (*kind.module.MIGRATIONS, *more))  # type: ignore[attr-defined]
        yield


def test_a_new_store_says_its_version_and_who_made_it(kind: Kind, tmp_path: Path) -> None:
    assert found(tmp_path, kind) == (ABSENT, None)
    kind.use(tmp_path)
    assert found(tmp_path, kind) == (Version(1, 1), version())
    applied = read(tmp_path, kind, "SELECT major, minor, gateway FROM migrations")
    assert applied == [(1, 0, version()), (1, 1, version())]


def test_an_older_store_is_brought_forward_with_what_it_holds(kind: Kind, tmp_path: Path) -> None:
    kind.use(tmp_path)
    added = statements(*V1_2, f"ALTER TABLE {kind.table} ADD COLUMN added TEXT")
    with knowing(kind, added):
        assert kind.use(tmp_path) == kind.twice
    assert found(tmp_path, kind) == (V1_2, version())
    assert "added TEXT" in str(read(tmp_path, kind, "SELECT sql FROM sqlite_schema"))


def test_a_store_with_a_higher_minor_version_is_used_as_it_is(kind: Kind, tmp_path: Path) -> None:
    """By the gateway before, which goes back to it, or runs beside the new one."""
    with knowing(kind, statements(*V1_2, f"ALTER TABLE {kind.table} ADD COLUMN added TEXT")):
        kind.use(tmp_path)
    assert kind.use(tmp_path) == kind.twice
    assert found(tmp_path, kind) == (V1_2, version())


def test_a_store_with_a_higher_major_version_is_refused_before_anything_is_written(kind: Kind, tmp_path: Path) -> None:
    with knowing(kind, statements(*V2_0)):
        kind.use(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    expected = rf"is of version 2\.0, written by {version()}, and this gateway \({version()}\) knows 1\.1: start the"
    for refused in (partial(kind.use, tmp_path), partial(prepare_stores, Settings(data_dir=tmp_path))):
        with pytest.raises(StoreTooNew, match=expected):
            refused()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_migration_that_fails_half_way_leaves_the_store_as_it_was(kind: Kind, tmp_path: Path) -> None:
    kind.use(tmp_path)
    broken = statements(*V1_2, f"ALTER TABLE {kind.table} ADD COLUMN added TEXT", "this is no statement")
    with knowing(kind, broken), pytest.raises(kind.error):
        kind.use(tmp_path)
    assert found(tmp_path, kind) == (Version(1, 1), version())
    assert kind.use(tmp_path)
    assert "added" not in str(read(tmp_path, kind, "SELECT sql FROM sqlite_schema"))


def test_gateways_that_start_at_once_take_turns(kind: Kind, tmp_path: Path) -> None:
    """An `ADD COLUMN` that is made twice fails."""
    kind.use(tmp_path)
    added = statements(*V1_2, f"ALTER TABLE {kind.table} ADD COLUMN added TEXT")
    with knowing(kind, added), ThreadPoolExecutor(8) as threads:
        assert all(threads.map(kind.use, [tmp_path] * 8))
    assert read(tmp_path, kind, "SELECT count(*) FROM migrations") == [(3,)]


def test_a_running_gateway_buys_nothing_once_a_newer_one_has_made_the_ledger_unreadable(tmp_path: Path) -> None:
    path = tmp_path / LEDGER.file
    with contextlib.closing(LedgerFile(path)) as running:
        with knowing(LEDGER, statements(*V2_0)):
            ledger(tmp_path)
        with pytest.raises(LedgerUnavailable), running.transaction():
            running.lease("web", "day", 0, 1)
    assert read(tmp_path, LEDGER, "SELECT leased FROM leases") == [(1,)]


# -- the data directory


def of_layout(major: int, minor: int) -> str:
    return f"{major}.{minor} 9.9.9\n"


def test_a_data_directory_says_its_version_and_one_without_it_is_of_the_first(tmp_path: Path) -> None:
    assert layout.version_of(tmp_path / "none").found == ABSENT
    assert layout.version_of(tmp_path).found == Version(1, 0)
    prepare_stores(Settings(data_dir=tmp_path))
    assert (tmp_path / layout.NAME).read_text() == f"1.0 {version()}\n"
    assert (tmp_path / layout.NAME).stat().st_mode & 0o777 == 0o600


def test_a_data_directory_is_brought_forward_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare_stores(Settings(data_dir=tmp_path))
    made = list[Path]()
    monkeypatch.setattr(layout, "MIGRATIONS", (*layout.MIGRATIONS, Migration(Version(1, 1), made.append)))
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(layout.migrate, [tmp_path] * 8))
    assert made == [tmp_path]
    assert layout.version_of(tmp_path).found == Version(1, 1)


def test_a_data_directory_that_another_process_brings_forward_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the first look at its version and the lock."""
    prepare_stores(Settings(data_dir=tmp_path))
    made = list[Path]()
    monkeypatch.setattr(layout, "MIGRATIONS", (*layout.MIGRATIONS, Migration(Version(1, 1), made.append)))
    look = layout.version_of

    def slow_look(directory: Path) -> StoreVersion:
        found = look(directory)
        monkeypatch.setattr(layout, "version_of", look)
        layout.migrate(directory)  # the other process
        return found

    monkeypatch.setattr(layout, "version_of", slow_look)
    layout.migrate(tmp_path)
    assert made == [tmp_path]


def test_a_newer_data_directory_is_left_alone_or_refused(tmp_path: Path) -> None:
    path = tmp_path / layout.NAME
    path.write_text(of_layout(1, 7))
    prepare_stores(Settings(data_dir=tmp_path))
    assert path.read_text() == of_layout(1, 7)
    path.write_text(of_layout(2, 0))
    with pytest.raises(StoreTooNew, match=r"The data directory in .* is of version 2\.0, written by 9\.9\.9, and"):
        prepare_stores(Settings(data_dir=tmp_path))


@pytest.mark.parametrize("content", [b"", b"1.0", b"one 0.2.0\n", b"\xff\n"])
def test_a_data_directory_that_says_no_version_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / layout.NAME).write_bytes(content)
    with pytest.raises(Unusable, match="says no version"):
        prepare_stores(Settings(data_dir=tmp_path))


def test_a_directory_that_cannot_be_made_is_left_to_who_needs_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    prepare_stores(Settings(data_dir=tmp_path / "file" / "data"))
