"""`restore`: what `backup` copied is back in its places, or nothing has changed."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.billing.ledger_file import LedgerFile
from gateway.commands.base import CommandError
from gateway.commands.data_directory import JOURNAL, share, sharing
from tests.commands.copies import CLIENTS, ENTRY, MANIFEST, copied, environment, filled, restored, spent_in, tree

OLD, NEW = 7, 12
OTHER_KEY = "b3RoZXJvdGhlcm90aGVyb3RoZXJvdGhlcm90aGVyb3Q="  # pragma: allowlist secret


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Of a gateway that billed NEW."""
    return copied(tmp_path / "copy", environment(filled(tmp_path / "source", NEW)))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Of a gateway that billed OLD."""
    return filled(tmp_path / "data", OLD)


def without_manifest(found: dict[str, tuple[int, str]]) -> dict[str, tuple[int, str]]:
    return {name: entry for name, entry in found.items() if name != MANIFEST}


def test_every_part_is_back_with_its_mode(copy: Path, tmp_path: Path) -> None:
    """Where there was nothing, like on a new machine."""
    data = tmp_path / "above" / "data"
    assert restored(copy, environment(data)) == 0
    assert tree(data) == without_manifest(tree(copy))
    assert f"spool/{ENTRY}/content" in tree(data)
    modes = {path: mode for path, (mode, _) in tree(data).items()}
    assert set(modes.values()) == {0o600, 0o700}
    assert data.stat().st_mode & 0o777 == 0o700
    assert spent_in(data / "gateway.sqlite3") == NEW


def test_a_copy_of_the_restored_data_is_equal(copy: Path, tmp_path: Path) -> None:
    restored(copy, environment(tmp_path / "data"))
    again = copied(tmp_path / "again", environment(tmp_path / "data"))
    assert tree(again).keys() == tree(copy).keys()
    # SQLite counts its writes in a database file.
    different = {name for name, entry in tree(copy).items() if tree(again)[name] != entry}
    assert different <= {MANIFEST, "gateway.sqlite3", "flows.sqlite3", "keys.sqlite3"}
    assert spent_in(again / "gateway.sqlite3") == NEW


def test_what_is_there_is_not_overwritten(copy: Path, data: Path) -> None:
    before = tree(data)
    with pytest.raises(CommandError, match="exists, and nothing is overwritten: with --replace"):
        restored(copy, environment(data))
    assert tree(data) == before


def test_what_is_there_is_moved_aside_and_stays_whole(
    copy: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With what SQLite keeps beside its files, which belongs to them; files of others stay where they are."""
    shutil.rmtree(copy / "spool")
    (copy / MANIFEST).unlink()
    (data / "flows.sqlite3-wal").write_bytes(b"not yet in the file")
    before = tree(data)
    (data / "notes.txt").write_text("mine")
    assert restored(copy, environment(data), replace=True) == 0
    (aside,) = data.glob("before-restore-*")
    assert tree(aside) == before
    assert {path.name for path in data.iterdir()} == {
        *(aside.name, "notes.txt", "gateway.sqlite3", "flows.sqlite3", "keys.sqlite3", "flows.slots"),
        *("flows.key", "media.key", "cursors.key", "audit.key", "audit.sqlite3"),
    }
    assert (spent_in(data / "gateway.sqlite3"), spent_in(aside / "gateway.sqlite3")) == (NEW, OLD)
    assert f"is in {aside}: delete it" in capsys.readouterr().out


def test_ledger_and_clients_go_to_their_places_in_the_settings(tmp_path: Path) -> None:
    source, clients = filled(tmp_path / "source", NEW), tmp_path / "clients.toml"
    clients.write_text(CLIENTS)
    copy = copied(tmp_path / "copy", environment(source, GATEWAY_CLIENTS_FILE=str(clients)))
    ledger, moved, data = tmp_path / "ledger" / "spent.db", tmp_path / "etc" / "clients.toml", tmp_path / "data"
    given = environment(data, GATEWAY_CLIENTS_FILE=str(moved), GATEWAY_DATABASE_URL=f"sqlite:///{ledger}")
    restored(copy, given)
    assert (moved.read_text(), spent_in(ledger), (data / "gateway.sqlite3").exists()) == (CLIENTS, NEW, False)
    assert [path.name for path in (*ledger.parent.iterdir(), *moved.parent.iterdir())] == ["spent.db", "clients.toml"]
    moved.write_text("# changed\n")
    restored(copy, given, replace=True)
    assert moved.read_text() == CLIENTS
    (aside,) = moved.parent.glob("clients.toml.before-restore-*")
    assert aside.read_text() == "# changed\n"
    assert len([*ledger.parent.glob("spent.db.before-restore-*")]) == 1


def test_a_clients_file_is_left_as_it_is_where_that_is_wanted_or_nothing_changes(tmp_path: Path) -> None:
    """One that is mounted to be read only is that of the copy, or another one is to stay."""
    source, clients = filled(tmp_path / "source", NEW), tmp_path / "clients.toml"
    clients.write_text(CLIENTS)
    given = environment(source, GATEWAY_CLIENTS_FILE=str(clients))
    copy = copied(tmp_path / "copy", given)
    before = clients.stat()
    restored(copy, {**given, "GATEWAY_DATA_DIR": str(tmp_path / "one")})
    clients.write_text("# changed\n")
    restored(copy, {**given, "GATEWAY_DATA_DIR": str(tmp_path / "two")}, keep_clients=True)
    assert (clients.stat().st_ino, clients.read_text()) == (before.st_ino, "# changed\n")
    with pytest.raises(CommandError, match=r"clients\.toml exists"):
        restored(copy, {**given, "GATEWAY_DATA_DIR": str(tmp_path / "three")})


def test_nothing_is_restored_below_a_gateway_that_runs(copy: Path, data: Path) -> None:
    before = tree(data)
    with sharing(data), pytest.raises(CommandError, match="A gateway runs on"):
        restored(copy, environment(data), replace=True)
    with (
        contextlib.closing(LedgerFile(data / "gateway.sqlite3")),
        pytest.raises(CommandError, match=r"A process uses .*gateway\.sqlite3"),
    ):
        restored(copy, environment(data), replace=True)
    assert tree(data) == before


def corrupted(copy: Path) -> None:
    with (copy / "gateway.sqlite3").open("r+b") as file:
        file.seek(4_000)
        file.write(b"x" * 4_000)


def newer(copy: Path) -> None:
    (copy / MANIFEST).unlink()
    with contextlib.closing(sqlite3.connect(copy / "gateway.sqlite3")) as ledger:
        ledger.execute("PRAGMA user_version = 99")


def of_a_newer_format(copy: Path) -> None:
    manifest = json.loads((copy / MANIFEST).read_text())
    (copy / MANIFEST).write_text(json.dumps(manifest | {"format": 99}))


def linked(copy: Path) -> None:
    (copy / "media.key").unlink()
    (copy / "media.key").symlink_to("/etc/hostname")


BREAKING: dict[str, tuple[Callable[[Path], object], str]] = {
    "a file was changed": (lambda copy: (copy / "flows.slots/host").write_text("b-host"), "host was changed"),
    "a file is missing": (lambda copy: (copy / "cursors.key").unlink(), r"cursors\.key is missing"),
    "a file was added": (lambda copy: (copy / f"spool/{ENTRY}/flow-2").touch(), "flow-2 is not in the manifest"),
    "something else is in it": (lambda copy: (copy / "notes.txt").touch(), r"notes\.txt is no part of a copy"),
    "a database is in use": (lambda copy: (copy / "gateway.sqlite3-wal").touch(), "is no part of a copy"),
    "a database is damaged": (corrupted, r"gateway\.sqlite3 was changed"),
    "the manifest is damaged": (lambda copy: (copy / MANIFEST).write_text("{"), "damaged: it is no manifest"),
    "the manifest is of another version": (of_a_newer_format, "written by a newer version"),
    "the ledger is of another version": (newer, r"gateway\.sqlite3 was written by a newer version"),
    "a link is in it": (linked, r"media\.key is neither a file nor a directory"),
    "it has no ledger": (lambda copy: (copy / "gateway.sqlite3").unlink(), r"it has no gateway\.sqlite3"),
    "it does not exist": (shutil.rmtree, "cannot be read: No such file or directory"),
}


@pytest.mark.parametrize("broken", BREAKING)
def test_a_copy_that_is_not_as_it_was_made_changes_nothing(broken: str, copy: Path, data: Path) -> None:
    before = tree(data)
    breaking, said = BREAKING[broken]
    breaking(copy)
    with pytest.raises(CommandError, match=said):
        restored(copy, environment(data), replace=True)
    assert tree(data) == before


def test_a_copy_of_an_earlier_version_is_restored_as_far_as_it_is_intact(
    copy: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It has no manifest, so that its databases alone can be checked."""
    (copy / MANIFEST).unlink()
    restored(copy, environment(tmp_path / "other"))
    assert tree(tmp_path / "other") == tree(copy)
    assert "nobody can say whether it is complete" in capsys.readouterr().err
    for breaking, said in ((corrupted, "is damaged"), (lambda copy: (copy / "flows.key").write_text("k"), "32 bytes")):
        breaking(copy)
        with pytest.raises(CommandError, match=said):
            restored(copy, environment(data), replace=True)
        copy = copied(tmp_path / f"copy of {said}", environment(tmp_path / "other"))
        (copy / MANIFEST).unlink()


def test_flows_that_could_not_be_read_are_not_restored(tmp_path: Path) -> None:
    sealed = environment(filled(tmp_path / "source", NEW), GATEWAY_FLOWS_KEY="a2tr" * 10 + "a2s=")
    copy, data = copied(tmp_path / "copy", sealed), tmp_path / "data"
    with pytest.raises(CommandError, match="encrypted with another key: set GATEWAY_FLOWS_KEY"):
        restored(copy, environment(data, GATEWAY_FLOWS_KEY=OTHER_KEY))
    (copy / "flows.key").unlink()
    (copy / MANIFEST).unlink()
    with pytest.raises(CommandError, match="encrypted with GATEWAY_FLOWS_KEY of the gateway that was copied"):
        restored(copy, environment(data))
    assert [*data.iterdir()] == []
    assert restored(copy, {**sealed, "GATEWAY_DATA_DIR": str(data)}) == 0


def test_flows_are_restored_to_the_kind_of_database_that_they_are_of(
    copy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    elsewhere = {"GATEWAY_DATABASE_URL": "postgresql://gateway@127.0.0.1:9/flows"}
    with pytest.raises(CommandError, match="in SQLite, and GATEWAY_DATABASE_URL names PostgreSQL"):
        restored(copy, environment(tmp_path / "data", **elsewhere))
    other = copied(tmp_path / "other", environment(tmp_path / "source", **elsewhere))
    with pytest.raises(CommandError, match="in PostgreSQL: set GATEWAY_DATABASE_URL"):
        restored(other, environment(tmp_path / "data"))
    capsys.readouterr()
    assert restored(other, environment(tmp_path / "data", **elsewhere)) == 0
    assert "pg_restore" in capsys.readouterr().err


def test_a_copy_without_a_ledger_is_one_of_a_gateway_whose_ledger_is_in_postgresql(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    elsewhere = {"GATEWAY_DATABASE_URL": "postgresql://gateway@127.0.0.1:9/flows", "GATEWAY_STORAGE_URL": "s3://files"}
    source = filled(tmp_path / "source", 12)
    for name in ("gateway.sqlite3", "flows.sqlite3"):
        (source / name).unlink()
    copy = copied(tmp_path / "copy", environment(source, **elsewhere))
    assert "The ledger and the flows are in PostgreSQL" in capsys.readouterr().err
    assert not (copy / "gateway.sqlite3").exists()
    with pytest.raises(CommandError, match="in PostgreSQL: set GATEWAY_DATABASE_URL"):
        restored(copy, environment(tmp_path / "data"))
    capsys.readouterr()
    assert restored(copy, environment(tmp_path / "data", **elsewhere)) == 0
    told = capsys.readouterr().err
    assert "The ledger and the flows are in PostgreSQL" in told
    assert "The files of flows are in object storage: restore the bucket" in told
    (copy / MANIFEST).unlink()
    with pytest.raises(CommandError, match=r"it has no gateway\.sqlite3"):
        restored(copy, environment(tmp_path / "other", **elsewhere))


def test_what_the_copy_has_and_the_settings_do_not_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "clients.toml").write_text(CLIENTS)
    source = environment(filled(tmp_path / "source", NEW), GATEWAY_CLIENTS_FILE=str(tmp_path / "clients.toml"))
    restored(copied(tmp_path / "copy", source), environment(tmp_path / "data"))
    told = capsys.readouterr().err
    assert "GATEWAY_CLIENTS_FILE is not set" in told
    assert "was made by version" in told
    assert not (tmp_path / "data" / "clients.toml").exists()


def test_a_link_is_not_replaced(copy: Path, data: Path, tmp_path: Path) -> None:
    """It may lead to another disk, on which a restored file would not be."""
    (data / "spool").rename(tmp_path / "disk")
    (data / "spool").symlink_to(tmp_path / "disk")
    before = tree(data)
    with pytest.raises(CommandError, match="spool is a link or a mount point"):
        restored(copy, environment(data), replace=True)
    assert tree(data) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="needs the user root, who alone gives files to others")
@pytest.mark.parametrize("is_new", [False, True])
def test_files_belong_to_who_runs_the_gateway_also_where_root_restores(
    is_new: bool, copy: Path, data: Path, tmp_path: Path
) -> None:
    """A gateway could not open files of root. The owner is that of the data directory, or of the copied files."""
    target = tmp_path / "new" if is_new else data
    for path in (copy, *copy.rglob("*")) if is_new else (data, *data.rglob("*")):
        os.chown(path, 12_345, 12_346)
    restored(copy, environment(target), replace=True)
    owners = {(path.stat().st_uid, path.stat().st_gid) for path in (target, *target.rglob("*"))}
    assert owners == {(12_345, 12_346)}


def test_no_gateway_starts_on_a_restore_that_was_interrupted(
    copy: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    journal = {
        "origin": str(copy),
        "aside": [{"source": str(data / "media.key"), "target": str(data / "media.key.before")}],
        "into_place": [{"source": str(data / "cursors.key"), "target": str(data / "media.key")}],
    }
    (data / JOURNAL).write_text(json.dumps(journal))
    with pytest.raises(CommandError, match="was interrupted: run `highlights-gateway restore`"):
        share(data)
    with pytest.raises(CommandError, match=f"The restore of {copy} was interrupted: complete it first"):
        restored(copy.with_name("other"), environment(data), replace=True)
    shutil.rmtree(copy)  # not needed for what is left
    assert restored(copy, environment(data)) == 0
    assert "is completed" in capsys.readouterr().err
    found = [(data / name).read_bytes()[:1] for name in ("media.key", "media.key.before")]
    assert (found, (data / JOURNAL).exists()) == ([b"c", b"m"], False)
    os.close(share(data))


def test_a_journal_that_cannot_be_read_or_performed_is_told(copy: Path, data: Path) -> None:
    (data / JOURNAL).write_text("{")
    with pytest.raises(CommandError, match="is damaged, so that the restore cannot be completed"):
        restored(copy, environment(data))
    lost = {"source": str(data / "lost"), "target": str(data / "found")}
    (data / JOURNAL).write_text(json.dumps({"origin": str(copy), "aside": [], "into_place": [lost]}))
    with pytest.raises(CommandError, match="lost is lost"):
        restored(copy, environment(data))
    taken = {"source": str(data / "media.key"), "target": str(data / "flows.key")}
    (data / JOURNAL).write_text(json.dumps({"origin": str(copy), "aside": [], "into_place": [taken]}))
    with pytest.raises(CommandError, match=r"flows\.key was created while it was restored"):
        restored(copy, environment(data))
