"""The shared cache in a file: over a restart, and damaged, deleted or full."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.errors import Unusable
from gateway.shared_cache.sqlite_store import SqliteStore
from gateway.shared_cache.store_port import StoreProblem, StoreUnavailable
from tests.shared_cache.instances import Upstream, charged, instance
from tests.shared_cache.listening import CLOCK, Listening, about, place_in, stored, until

QUERY = '{ user(by: {username: "natgeo"}) { biography highlights(first: 2) { nodes { items { totalCount } } } } }'
DISK = {"GATEWAY_CACHE_DISK": "on"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cache.sqlite3"


async def test_a_restarted_gateway_buys_nothing_again(tmp_path: Path) -> None:
    upstream = Upstream()
    async with instance(tmp_path, upstream, DISK) as one:
        first = await one.ask(QUERY)
        shared = one.gateway.reading.services.shared
        assert shared is not None
        await until(lambda: shared.cache.is_idle)
    calls = upstream.calls
    async with instance(tmp_path, upstream, DISK) as one:
        again = await one.ask(QUERY)
    assert again["data"] == first["data"]
    assert (charged(first), charged(again)) == (5, 0)
    assert upstream.calls == calls
    assert (tmp_path / "cache.sqlite3").stat().st_mode & 0o777 == 0o600


async def test_without_the_setting_nothing_is_kept(tmp_path: Path) -> None:
    upstream = Upstream()
    async with instance(tmp_path, upstream, {}) as one:
        assert one.gateway.reading.services.shared is None
        await one.ask(QUERY)
    assert not (tmp_path / "cache.sqlite3").exists()


async def test_redis_and_the_disk_together_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="GATEWAY_CACHE_DISK keeps nothing where GATEWAY_REDIS_URL is set"):
        async with instance(tmp_path, Upstream(), {**DISK, "GATEWAY_REDIS_URL": "redis://redis.test"}):
            pass


@pytest.fixture
async def running(path: Path) -> AsyncIterator[tuple[SqliteStore, Listening]]:
    store, heard = SqliteStore(path, 2**20, clock=CLOCK), Listening("a")
    async with store.running(heard):
        yield store, heard


async def put(store: SqliteStore, name: str, value: bytes = b"value", *, ends: float = 60.0) -> bool:
    return await store.put([stored(name, value, kept=ends)], begun=place_in(store), subjects=["s"])


@pytest.mark.parametrize("content", [b"no database at all" * 500, b""])
async def test_a_damaged_file_is_made_again(content: bytes, path: Path) -> None:
    write(path, content)
    store, heard = SqliteStore(path, 2**20, clock=CLOCK), Listening("a")
    async with store.running(heard):
        await until(lambda: heard.states[-1:] == [None])
        assert await put(store, "a")
        assert await store.find(["a"]) == [b"value"]
    assert heard.states == ([StoreProblem.DAMAGED, None] if content else [None])


async def test_a_file_that_is_deleted_or_damaged_meanwhile_is_made_again(
    running: tuple[SqliteStore, Listening], path: Path
) -> None:
    store, heard = running
    await put(store, "a")
    remove(path)
    await until(lambda: heard.restarts == [False])
    assert await store.find(["a"]) == [None]
    assert await put(store, "a")
    write(path, os.urandom(5_000))
    remove(path.with_name("cache.sqlite3-wal"))

    async def works() -> bool:
        try:
            return await put(store, "b") and await store.find(["b"]) == [b"value"]
        except StoreUnavailable:
            return False

    for _ in range(600):
        if await works():
            return
        await CLOCK.sleep(0.05)
    raise AssertionError("the file is not made again")


async def test_what_ends_first_is_removed_where_the_file_is_full(
    running: tuple[SqliteStore, Listening], path: Path
) -> None:
    store, _ = running
    for at in range(40):
        assert await put(store, f"a{at}", os.urandom(50_000), ends=1_000.0 - at)
    found = await store.find([f"a{at}" for at in range(40)])
    assert any(found[:20]), "what ends last"
    assert None in found
    assert await put(store, "b", os.urandom(50_000), ends=2_000.0)
    assert await store.find(["b"]) != [None]
    assert size(path) < 3 * 2**20


def write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def remove(path: Path) -> None:
    path.unlink()


def size(path: Path) -> int:
    return path.stat().st_size


async def test_what_was_forgotten_is_not_on_the_disk_any_more(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "cache.sqlite3", 2**30, clock=CLOCK)
    async with store.running(Listening("a")):
        await store.put([stored("name", b"of somebody" * 1_000)], begun=place_in(store), subjects=["s"])
        assert b"of somebody" in _all_bytes(tmp_path)
        await store.invalidate(about("*"))
        assert b"of somebody" not in _all_bytes(tmp_path)


def _all_bytes(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.iterdir())
