"""Keys in PostgreSQL: made once, brought from a data directory, the same on all hosts, and never guessed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from gateway.clock import SystemClock
from gateway.durable.encryption import JsonCipher
from gateway.durable.store import WorkflowStore
from gateway.errors import Unusable
from gateway.shared_keys.database_keys import DatabaseKeys, KeyPlaces, report, version_in
from gateway.shared_keys.shared_key import KeysDiffer, KeySource, KeysUnavailable
from tests.durable.postgres import Cluster, cluster

SECRET = b"a secret of a setting"


@pytest.fixture
def url(postgres: Cluster) -> str:
    return postgres.create().replace("postgresql+psycopg:", "postgresql:")


class Host:
    """A gateway process with a data directory of its own."""

    def __init__(self, url: str, folder: Path, name: str, **given: bytes) -> None:
        self.folder = folder / name
        self.folder.mkdir(exist_ok=True)
        self.places = KeyPlaces(url, self.folder, given)
        self.keys = DatabaseKeys(self.places, name)

    def values(self) -> dict[str, bytes]:
        return {name: used.value for name, used in self.keys.agree().items()}


@pytest.fixture
def flows(url: str) -> Iterator[WorkflowStore]:
    """Flows that were encrypted before there were keys in the database."""
    sealed = url.replace("postgresql:", "postgresql+psycopg:")
    with contextlib.closing(WorkflowStore(sealed, JsonCipher(b"f" * 32), SystemClock(), patience=5.0)) as store:
        store.prepare()
        yield store


def test_hosts_that_start_at_once_make_each_key_once(url: str, tmp_path: Path) -> None:
    hosts = [Host(url, tmp_path, f"host-{number}") for number in range(4)]
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(Host.values, hosts))
    assert found == [found[0]] * 4
    assert {len(key) for key in found[0].values()} == {32}
    assert len(set(found[0].values())) == 4
    assert version_in(url).found == (1, 0)


def test_the_key_of_a_data_directory_is_brought_into_the_database_once(url: str, tmp_path: Path) -> None:
    first, other = Host(url, tmp_path, "first"), Host(url, tmp_path, "other")
    (first.folder / "media.key").write_bytes(b"m" * 32)
    assert first.values()["media"] == other.values()["media"] == b"m" * 32


def test_a_data_directory_with_another_key_is_refused_by_its_name(url: str, tmp_path: Path) -> None:
    first, other = Host(url, tmp_path, "first"), Host(url, tmp_path, "other")
    first.keys.agree()
    (other.folder / "cursors.key").write_bytes(b"c" * 32)
    with pytest.raises(KeysDiffer, match=r"list cursors in .*cursors\.key differs .* GATEWAY_CURSOR_SECRET"):
        other.keys.agree()
    (other.folder / "cursors.key").write_bytes(b"c")
    with pytest.raises(Unusable, match=r"cursors\.key must have 32 bytes"):
        other.keys.agree()


def test_a_setting_that_differs_from_a_running_host_is_refused_until_that_has_ended(url: str, tmp_path: Path) -> None:
    first, other = Host(url, tmp_path, "first", media=SECRET), Host(url, tmp_path, "other", media=b"another")
    first.keys.agree()
    with pytest.raises(KeysDiffer, match=r"media links differs from that of the gateway on first: .*MEDIA_SECRET"):
        other.keys.agree()
    assert [one for one in report(other.places).differences if "GATEWAY_MEDIA_SECRET" in one] != []
    assert report(first.places).differences == []
    first.keys.end()
    other.keys.agree()
    with pytest.raises(KeysDiffer):
        Host(url, tmp_path, "first", media=SECRET).keys.agree()
    with pytest.raises(KeysUnavailable):
        first.keys.agree()


def test_a_host_without_the_setting_of_the_others_is_refused(url: str, tmp_path: Path) -> None:
    Host(url, tmp_path, "first", flows=b"s" * 32).keys.agree()
    with pytest.raises(KeysDiffer, match=r"the flows .* first: give all gateways the same GATEWAY_FLOWS_KEY"):
        Host(url, tmp_path, "other").keys.agree()


def test_a_host_that_died_without_a_word_is_forgotten_after_a_minute(url: str, tmp_path: Path) -> None:
    Host(url, tmp_path, "dead", media=SECRET).keys.agree()
    with psycopg.connect(url) as db:
        db.execute("UPDATE gateway_key_uses SET seen_at = now() - interval '61 seconds'")
    Host(url, tmp_path, "heir", media=b"another").keys.agree()


def test_the_database_has_no_key_of_a_setting(url: str, tmp_path: Path) -> None:
    used = Host(url, tmp_path, "first", media=SECRET).keys.agree()
    assert {name: one.source for name, one in used.items()} == {
        "flows": KeySource.DATABASE,
        "media": KeySource.SETTING,
        "cursors": KeySource.DATABASE,
        "audit": KeySource.DATABASE,
    }
    with psycopg.connect(url) as db:
        rows = repr(db.execute("SELECT * FROM gateway_key_uses").fetchall())
        kept = {name for (name,) in db.execute("SELECT name FROM gateway_keys")}
    assert (SECRET.decode() in rows, SECRET.hex() in rows) == (False, False)
    assert kept == {"flows", "cursors", "audit", "fingerprints"}


def test_no_key_is_made_while_there_are_flows_of_an_unknown_one(url: str, tmp_path: Path, flows: WorkflowStore) -> None:
    host = Host(url, tmp_path, "first")
    assert host.values().keys() == {"media", "cursors", "audit"}
    (host.folder / "flows.key").write_bytes(b"w" * 32)
    assert host.keys.agree()["flows"].source is KeySource.FILE
    (host.folder / "flows.key").write_bytes(b"f" * 32)
    assert host.values()["flows"] == b"f" * 32
    assert Host(url, tmp_path, "heir").values()["flows"] == b"f" * 32


def test_a_look_changes_nothing(url: str, tmp_path: Path) -> None:
    host = Host(url, tmp_path, "first")
    (host.folder / "media.key").write_bytes(b"m" * 32)
    assert {name: one.source for name, one in report(host.places).used.items()} == {"media": KeySource.FILE}
    assert version_in(url).found == (0, 0)
    host.keys.agree()
    assert report(Host(url, tmp_path, "other").places).processes == 1


def test_a_database_that_is_away_or_refuses_is_told_without_its_url(tmp_path: Path) -> None:
    with cluster() as server:
        url = server.create().replace("postgresql+psycopg:", "postgresql:")
        with psycopg.connect(url, autocommit=True) as db:
            db.execute("CREATE ROLE reader LOGIN")
        host = Host(url, tmp_path, "first")
        with pytest.raises(Unusable, match="the role must own them") as refused:
            Host(url.replace("postgres@", "reader@"), tmp_path, "second").keys.agree()
        server.stop()
        with pytest.raises(KeysUnavailable) as away:
            host.keys.agree()
        server.start()
        host.keys.agree()
    assert str(server.folder) not in f"{refused.value}{away.value}"
