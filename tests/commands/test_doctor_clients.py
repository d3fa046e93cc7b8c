"""`doctor` of the clients file: valid, nobody else's, and without keys that nobody needs."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.clients.usage import Uses
from gateway.clock import SystemClock
from gateway.commands.doctor.findings import Result
from tests.commands.copies import CLIENTS, environment, filled, tree
from tests.commands.diagnoses import found, one_of

DAY = 86_400


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return filled(tmp_path / "data", 12)


@pytest.fixture
def clients(data: Path, tmp_path: Path) -> dict[str, str]:
    path = tmp_path / "clients.toml"
    path.write_text(CLIENTS)
    path.chmod(0o600)
    Uses(data).note({"5" * 12: SystemClock().now()})
    return environment(data, GATEWAY_CLIENTS_FILE=str(path))


def with_key(name: str, **times: float) -> str:
    moments = {word: datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds") for word, at in times.items()}
    inside = "".join(f", {word} = {moment}" for word, moment in moments.items())
    return f'[[client]]\nname = "{name}"\nkeys = [{{ sha256 = "{digest(name)}"{inside} }}]\n'


def rotated(name: str, now: float) -> str:
    """As `keys rotate --overlap 0s` writes it."""
    entry = with_key(name, created=now - DAY, expires=now - 60)
    return entry.replace(" }]", f' }}, {{ sha256 = "{digest("another")}" }}]')


def digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def test_clients_are_counted_and_their_faults_told(clients: dict[str, str]) -> None:
    path, now = Path(clients["GATEWAY_CLIENTS_FILE"]), SystemClock().now()
    before = tree(path.parent)
    assert "1 clients with 1 keys" in found(clients)["clients"].finding
    assert tree(path.parent) == before
    path.write_text(CLIENTS + with_key("late", expires=now - 60))
    told = one_of(clients, "clients", Result.WARNING).finding
    assert told == "Every key has expired of: late."
    path.write_text(rotated("late", now))
    ended = found(clients)["clients"]
    assert (ended.result, "1 clients with 2 keys, 1 of which expired: `keys remove" in ended.finding) == (
        Result.OK,
        True,
    )
    path.write_text(CLIENTS + with_key("soon", created=now, expires=now + DAY))
    assert one_of(clients, "clients", Result.WARNING).finding == f"Expire within a week: {digest('soon')[:12]} of soon."
    names = [f"n{number}" for number in range(5)]
    path.write_text(CLIENTS + "".join(with_key(name, created=now - 100 * DAY) for name in names))
    told = one_of(clients, "clients", Result.WARNING).finding
    assert told.startswith(f"Not used for 90 days: {digest('n0')[:12]} of n0, ")
    assert told.endswith(" and 2 more.")
    path.write_text("")
    assert "every request is refused" in one_of(clients, "clients", Result.WARNING).finding
    path.write_text("[[client]]\n")
    assert "client 1 (line 1): name: missing" in one_of(clients, "clients", Result.PROBLEM).finding
    path.unlink()
    assert "does not exist" in one_of(clients, "clients", Result.PROBLEM).finding


def test_a_record_of_uses_that_cannot_be_read_is_a_warning(clients: dict[str, str]) -> None:
    path = Path(clients["GATEWAY_DATA_DIR"]) / "keys.sqlite3"
    path.write_bytes(b"no database, though it is longer than the head of one")
    assert "keys.sqlite3 cannot be used" in one_of(clients, "clients", Result.WARNING).finding


@pytest.mark.parametrize(("mode", "result"), [(0o644, Result.WARNING), (0o666, Result.PROBLEM)])
def test_a_clients_file_is_written_by_nobody_else(clients: dict[str, str], mode: int, result: Result) -> None:
    Path(clients["GATEWAY_CLIENTS_FILE"]).chmod(mode)
    assert "Every user of the machine can" in one_of(clients, "permissions", result).finding
