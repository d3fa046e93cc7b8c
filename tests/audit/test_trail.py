"""The audit trail: one chain for all processes, which nobody changes without being found out."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from gateway.audit.audit_store import AUDIT, AuditStore
from gateway.audit.trail import Action, AuditUnavailable, Head, SubjectKind
from tests.audit.appender import KEY
from tests.durable.postgres import Cluster
from tests.fakes.clock import ManualClock
from tests.processes import started

ROOT = Path(__file__).parents[2]
SECONDS = 100.0


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/{AUDIT.file}"
    server: Cluster = request.getfixturevalue("postgres")
    return server.create()


@contextlib.contextmanager
def opened(url: str, key: bytes = KEY) -> Iterator[AuditStore]:
    with contextlib.closing(AuditStore(url, lambda: key, ManualClock())) as trail:
        yield trail


@pytest.fixture
def filled(url: str) -> str:
    """With five entries."""
    with opened(url) as trail:
        for number in range(5):
            trail.append("command", Action.KEY_ADDED, "", {"number": number})
    return url


def changed(url: str, *statements: str) -> None:
    """As its administrator can, who removes the guards first."""
    engine = sa.create_engine(url)
    guards = ["no_update", "no_delete"] if engine.dialect.name == "sqlite" else ["no_change"]
    on = "" if engine.dialect.name == "sqlite" else " ON gateway_audit_entries"
    with engine.begin() as db:
        for text in (*(f"DROP TRIGGER gateway_audit_{guard}{on}" for guard in guards), *statements):
            db.exec_driver_sql(text)
    engine.dispose()


def problems(url: str, noted: Head | None = None) -> list[str]:
    with opened(url) as trail:
        return list(trail.verify(noted).problems)


def last(url: str) -> Head:
    with opened(url) as trail:
        found = trail.verify()
        return Head(found.entries, found.last, b"")


def test_entries_are_read_as_they_were_written(filled: str) -> None:
    with opened(filled) as trail:
        entries = trail.entries()
        assert [(one.number, one.at, one.actor, one.action, json.loads(one.details)) for one in entries] == [
            (number + 1, "2026-03-12T08:35:26.000+00:00", "command", "key.added", {"number": number})
            for number in range(5)
        ]
        assert [one.number for one in trail.entries(limit=2)] == [4, 5]
        assert (trail.verify().entries, trail.verify().problems) == (5, ())


def test_an_empty_trail_is_as_it_was_written(url: str) -> None:
    assert problems(url) == []


def test_a_subject_has_a_pseudonym_by_which_its_entries_are_found(url: str) -> None:
    with opened(url) as trail:
        pseudonyms = [trail.pseudonym(kind, name) for kind in SubjectKind for name in ("787132", "7")]
        assert len(set(pseudonyms)) == 4
        for subject in pseudonyms:
            trail.append("command", Action.CLIENT_REMOVED, subject, {})
        assert [one.number for one in trail.entries(pseudonyms[2])] == [3]
        assert "787132" not in str(trail.entries())
    with opened(url, b"o" * 32) as other:
        assert other.pseudonym(SubjectKind.ACCOUNT, "787132") not in pseudonyms


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE gateway_audit_entries SET details = '' WHERE number = 2",
        "DELETE FROM gateway_audit_entries WHERE number = 5",
    ],
)
def test_entries_can_neither_be_changed_nor_deleted(filled: str, statement: str) -> None:
    engine = sa.create_engine(filled)
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), engine.begin() as db:
        db.exec_driver_sql(statement)
    engine.dispose()
    assert problems(filled) == []


CHANGED = "Entry 3 was changed, or an entry before it was removed or added."


MISSING = "The record of the last entry is missing: entries may have been cut off at the end."


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("UPDATE ENTRIES SET details = '{}' WHERE number = 3", [CHANGED]),
        ("UPDATE ENTRIES SET at = '2026-03-12T08:35:27.000+00:00' WHERE number = 3", [CHANGED]),
        ("UPDATE ENTRIES SET subject = 'a' WHERE number = 3", [CHANGED]),
        ("DELETE FROM ENTRIES WHERE number = 3", ["Entry 3 was removed."]),
        ("DELETE FROM ENTRIES WHERE number IN (2, 3)", ["Entries 2 to 3 were removed."]),
        ("DELETE FROM ENTRIES WHERE number = 5", ["Entry 5 was cut off at the end."]),
        ("DELETE FROM ENTRIES", ["Entries 1 to 5 were cut off at the end."]),
        ("DELETE FROM gateway_audit_head", [MISSING]),
        (
            "UPDATE gateway_audit_head SET number = 4",
            ["The record of the last entry was changed: entries may have been cut off at the end."],
        ),
        (
            "INSERT INTO ENTRIES SELECT 6, at, actor, action, subject, details, mac FROM ENTRIES WHERE number = 5",
            [CHANGED.replace("3", "6"), "Entries were added at the end, or the last one was changed."],
        ),
    ],
)
def test_whatever_is_changed_is_found(filled: str, statement: str, found: list[str]) -> None:
    changed(filled, statement.replace("ENTRIES", "gateway_audit_entries"))
    assert problems(filled) == found


def test_a_removed_entry_is_missed_even_if_the_others_are_numbered_again(filled: str) -> None:
    changed(
        filled,
        "DELETE FROM gateway_audit_entries WHERE number = 3",
        "UPDATE gateway_audit_entries SET number = 3 WHERE number = 4",
        "UPDATE gateway_audit_entries SET number = 4 WHERE number = 5",
    )
    assert problems(filled) == [CHANGED, CHANGED.replace("3", "4"), "Entry 5 was cut off at the end."]


def test_an_entry_that_is_cut_off_with_its_record_is_found_all_the_same(filled: str) -> None:
    """The record of an earlier end cannot be made again without the key."""
    changed(
        filled,
        "UPDATE gateway_audit_head SET number = 4, mac = (SELECT mac FROM gateway_audit_entries WHERE number = 4)",
        "DELETE FROM gateway_audit_entries WHERE number = 5",
    )
    assert problems(filled) == ["The record of the last entry was changed: entries may have been cut off at the end."]


def test_an_older_copy_of_the_whole_is_found_by_an_entry_that_was_noted(tmp_path: Path) -> None:
    file = tmp_path / AUDIT.file
    url = f"sqlite:///{file}"
    with opened(url) as trail:
        trail.append("command", Action.KEY_ADDED, "", {})
    before = last(url)
    shutil.copyfile(file, tmp_path / "older")
    with opened(url) as trail:
        trail.append("command", Action.KEY_REMOVED, "", {})
    noted = last(url)
    assert problems(url, before) == problems(url, noted) == []
    shutil.copyfile(tmp_path / "older", file)
    assert problems(url) == []
    assert problems(url, before) == []
    assert problems(url, noted) == ["The trail does not contain the entry that was noted: it was replaced, or cut off."]


def test_nothing_is_appended_under_another_key(filled: str) -> None:
    with opened(filled, b"o" * 32) as other, pytest.raises(AuditUnavailable, match="another key"):
        other.append("command", Action.KEY_ADDED, "", {})
    assert problems(filled) == []


def test_processes_append_to_one_chain_while_one_of_them_is_killed(url: str) -> None:
    command = [sys.executable, "-m", "tests.audit.appender", url]
    pipe = subprocess.PIPE
    with contextlib.ExitStack() as running:

        def start(name: str, count: int) -> subprocess.Popen[str]:
            words = [*command, name, str(count)]
            return running.enter_context(started(words, seconds=SECONDS, cwd=ROOT, stdout=pipe))

        victim, *others = [start("victim", 100_000), start("first", 20), start("second", 20)]
        assert victim.stdout is not None
        reported = sum(bool(victim.stdout.readline()) for _ in range(10))
        victim.kill()
        reported += len(victim.stdout.readlines())
        for one in others:
            assert one.stdout is not None
            assert len(one.stdout.readlines()) == 20
    with opened(url) as trail:
        found = trail.verify()
        by_actor = [one.actor for one in trail.entries(limit=100_000)]
    assert found.problems == ()
    assert (by_actor.count("first"), by_actor.count("second")) == (20, 20)
    # It may have been killed after it appended one more, and before it said so.
    assert reported <= by_actor.count("victim") <= reported + 1


def test_a_trail_whose_file_was_deleted_takes_nothing(tmp_path: Path) -> None:
    file = tmp_path / AUDIT.file
    with opened(f"sqlite:///{file}") as trail:
        trail.append("command", Action.KEY_ADDED, "", {})
        file.unlink()
        with pytest.raises(AuditUnavailable, match="deleted or replaced"):
            trail.append("command", Action.KEY_ADDED, "", {})


def test_a_damaged_trail_takes_nothing(tmp_path: Path) -> None:
    file = tmp_path / AUDIT.file
    file.write_bytes(b"x" * 9_000)
    with opened(f"sqlite:///{file}") as trail, pytest.raises(AuditUnavailable):
        trail.append("command", Action.KEY_ADDED, "", {})
