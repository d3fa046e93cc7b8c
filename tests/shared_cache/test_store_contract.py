"""The contract of stores that instances share: the same for each of them."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.shared_cache.redis_store import RedisStore
from gateway.shared_cache.sqlite_store import SqliteStore
from gateway.shared_cache.store_port import Lock, SharedStore, StoredValue
from tests.shared_cache.listening import CLOCK, Listening, about, place_in, stored, until
from tests.shared_cache.redis_server import redis_server

PREFIX = "hg1:{scope}:"
NAME, OTHER, THIRD = f"{PREFIX}a:1", f"{PREFIX}a:2", f"{PREFIX}a:3"
LOCK = Lock(f"{PREFIX}l:1", "a:1")
THEIRS = Lock(f"{PREFIX}l:1", "b:1")


@pytest.fixture(params=["redis", "sqlite"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], SharedStore]]:
    """Makes stores with the same content."""
    if request.param == "sqlite":
        yield lambda: SqliteStore(tmp_path / "cache.sqlite3", 2**30, clock=CLOCK)
        return
    with redis_server() as server:
        yield lambda: RedisStore(server.url, PREFIX, clock=CLOCK)


@dataclass(frozen=True)
class Pair:
    """Two instances."""

    own: SharedStore
    other: SharedStore
    heard: Listening
    other_heard: Listening


@pytest.fixture
async def pair(make: Callable[[], SharedStore]) -> AsyncIterator[Pair]:
    made = Pair(make(), make(), Listening("a"), Listening("b"))
    async with made.own.running(made.heard), made.other.running(made.other_heard):
        yield made


async def put(store: SharedStore, *values: StoredValue, subject: str = "s") -> bool:
    return await store.put(values, begun=place_in(store), subjects=[subject])


async def test_what_one_stores_the_other_finds(pair: Pair) -> None:
    assert await put(pair.own, stored(NAME, b"one"), stored(OTHER, b"\x00\xff" * 100_000))
    assert await pair.other.find([OTHER, THIRD, NAME]) == [b"\x00\xff" * 100_000, None, b"one"]


async def test_an_alias_is_found_as_what_it_names(pair: Pair) -> None:
    alias = StoredValue(OTHER, NAME.encode(), 0.0, CLOCK.now() + 60, is_alias=True)
    assert await put(pair.own, stored(NAME, b"one"), alias)
    assert await pair.other.find([OTHER]) == [b"one"]
    assert (await pair.other.claim(LOCK, [OTHER])).values == (b"one",)
    await pair.own.invalidate(about("s", NAME))
    assert await pair.other.find([OTHER]) == [None]


async def test_a_value_is_gone_at_its_end(pair: Pair) -> None:
    await put(pair.own, stored(NAME, fresh=-2.0, kept=-1.0), stored(OTHER, fresh=-1.0))
    assert await pair.other.find([NAME, OTHER]) == [None, b"value"]


async def test_a_value_past_its_freshness_does_not_keep_others_from_buying(pair: Pair) -> None:
    await put(pair.own, stored(NAME, fresh=-1.0))
    assert (await pair.own.claim(LOCK, [NAME])).lock == LOCK


async def test_one_instance_buys_at_a_time(pair: Pair) -> None:
    assert (await pair.own.claim(LOCK, [NAME])).lock == LOCK
    assert (await pair.own.claim(LOCK, [NAME])).lock == LOCK, "a claim may be repeated when its response was lost"
    theirs = await pair.other.claim(THEIRS, [NAME])
    assert theirs.lock is None
    assert 0 < theirs.wait <= 3
    await pair.own.release(LOCK)
    await until(lambda: pair.other_heard.released == [LOCK.name])
    assert (await pair.other.claim(THEIRS, [NAME])).lock == THEIRS


async def test_the_lock_of_another_is_neither_prolonged_nor_returned(pair: Pair) -> None:
    await pair.own.claim(LOCK, [NAME])
    assert await pair.own.prolong(LOCK)
    assert not await pair.other.prolong(THEIRS)
    await pair.other.release(THEIRS)
    assert (await pair.other.claim(THEIRS, [NAME])).lock is None


async def test_the_lock_of_a_dead_instance_ends(pair: Pair) -> None:
    await pair.own.claim(LOCK, [NAME])

    async def taken() -> bool:
        return (await pair.other.claim(THEIRS, [NAME])).lock is not None

    for _ in range(600):
        if await taken():
            break
        await CLOCK.sleep(0.05)
    else:
        raise AssertionError("the lock does not end")
    assert not await pair.own.prolong(LOCK)


async def test_a_claim_is_met_by_values_of_all_names(pair: Pair) -> None:
    await put(pair.own, stored(NAME, b"one"))
    assert (await pair.own.claim(LOCK, [NAME, OTHER])).lock == LOCK
    await put(pair.own, stored(OTHER, b"two"))
    assert (await pair.other.claim(THEIRS, [NAME, OTHER])).values == (b"one", b"two")


async def test_an_invalidation_removes_values_and_reaches_the_others_once(pair: Pair) -> None:
    await put(pair.own, stored(NAME), stored(OTHER))
    await pair.own.invalidate(about("s", NAME))
    assert await pair.other.find([NAME, OTHER]) == [None, b"value"]
    await pair.own.invalidate(about("s", NAME))  # sent again: its response was lost
    await pair.own.invalidate(about("s", NAME, number=2))
    await until(lambda: len(pair.other_heard.messages) == 2)
    assert pair.other_heard.messages == [b"a 1", b"a 2"]
    assert pair.heard.messages == [], "an instance knows its own"


async def test_a_late_value_is_not_stored_after_an_invalidation_of_its_subject(pair: Pair) -> None:
    begun = place_in(pair.other)
    await pair.own.invalidate(about("s"))
    assert not await pair.other.put([stored(NAME)], begun=begun, subjects=["s"])
    assert await pair.other.put([stored(OTHER)], begun=begun, subjects=["another"])
    await until(lambda: place_in(pair.other).number > begun.number)
    assert await put(pair.other, stored(NAME))


async def test_all_values_are_removed_together(pair: Pair) -> None:
    await put(pair.own, *(stored(f"{PREFIX}a:{at}") for at in range(2_500)))
    begun = place_in(pair.other)
    await pair.own.invalidate(about("*"))
    assert await pair.other.find([f"{PREFIX}a:{at}" for at in range(2_500)]) == [None] * 2_500
    assert not await pair.other.put([stored(NAME)], begun=begun, subjects=["whatever"])
    await until(lambda: pair.other_heard.messages == [b"a 1"])


async def test_an_instance_that_comes_later_goes_on_from_where_the_log_is(
    pair: Pair, make: Callable[[], SharedStore]
) -> None:
    await pair.own.invalidate(about("s"))
    late, heard = make(), Listening("c")
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(late.running(heard))
        await pair.own.invalidate(about("s", number=2))
        await until(lambda: heard.messages == [b"a 2"])
        assert heard.restarts == []
