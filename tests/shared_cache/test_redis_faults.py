"""A Redis that is slow, gone, full, flushed, read-only or another one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import pytest

from gateway.shared_cache.redis_store import RedisStore
from gateway.shared_cache.store_port import Lock, StoreProblem, StoreUnavailable
from tests.shared_cache.listening import CLOCK, Listening, about, place_in, stored, until
from tests.shared_cache.redis_server import RedisServer, redis_server

PREFIX = "hg1:{scope}:"
NAME = f"{PREFIX}a:1"
LOCK = Lock(f"{PREFIX}l:1", "a:1")


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with redis_server() as made:
        yield made


@dataclass(frozen=True)
class Instance:
    store: RedisStore
    heard: Listening

    async def has_state(self, problem: StoreProblem | None) -> None:
        await until(lambda: self.heard.states[-1:] == [problem])


@pytest.fixture
async def instance(server: RedisServer) -> AsyncIterator[Instance]:
    made = Instance(RedisStore(server.url, PREFIX, clock=CLOCK), Listening("a"))
    async with made.store.running(made.heard):
        yield made


async def test_a_dead_server_is_reported_once_and_found_again(server: RedisServer, instance: Instance) -> None:
    server.kill()
    await instance.has_state(StoreProblem.UNREACHABLE)
    assert instance.store.position is None
    with pytest.raises(StoreUnavailable):
        await instance.store.find([NAME])
    server.start()
    await instance.has_state(None)
    assert await instance.store.find([NAME]) == [None]
    assert instance.heard.states == [None, StoreProblem.UNREACHABLE, None]
    assert instance.heard.restarts == [False], "the log is gone, with what others may have sent"


async def test_a_frozen_server_costs_two_look_ups_their_time_and_no_more(
    server: RedisServer, instance: Instance
) -> None:
    server.freeze()
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            await instance.store.find([NAME])
    await instance.has_state(StoreProblem.SLOW)
    began = CLOCK.monotonic()
    for _ in range(100):
        with pytest.raises(StoreUnavailable):
            await instance.store.find([NAME])
    assert CLOCK.monotonic() - began < 0.2
    server.thaw()
    await instance.has_state(None)
    assert instance.heard.restarts == [], "nothing was missed"


async def test_invalidations_of_a_broken_connection_are_read_afterwards(
    server: RedisServer, instance: Instance
) -> None:
    other = Instance(RedisStore(server.url, PREFIX, clock=CLOCK), Listening("b"))
    async with other.store.running(other.heard):
        for number in range(1, 50):
            server.command("CLIENT", "KILL", "TYPE", "NORMAL")
            while True:
                try:
                    await other.store.invalidate(about("s", origin="b", number=number))
                    break
                except StoreUnavailable:
                    await CLOCK.sleep(0.01)
        await until(lambda: len(instance.heard.messages) == 49)
    assert instance.heard.messages == [f"b {number}".encode() for number in range(1, 50)]
    assert instance.heard.restarts == []


async def test_a_full_server_is_read_and_not_written(server: RedisServer, instance: Instance) -> None:
    assert await instance.store.put([stored(NAME)], begun=place_in(instance.store), subjects=["s"])
    server.command("CONFIG", "SET", "maxmemory", "1mb")
    await instance.has_state(StoreProblem.FULL)
    assert await instance.store.find([NAME]) == [b"value"]
    with pytest.raises(StoreUnavailable):
        await instance.store.claim(LOCK, [NAME + "0"])
    for about_it in (about("s", NAME), about("s", number=2), about("*", number=3)):
        await instance.store.invalidate(about_it)
    assert await instance.store.find([NAME]) == [None]
    server.command("CONFIG", "SET", "maxmemory", "0")
    await instance.has_state(None)
    assert (await instance.store.claim(LOCK, [NAME + "0"])).lock == LOCK


async def test_a_read_only_replica_is_read_and_not_written(server: RedisServer, instance: Instance) -> None:
    assert await instance.store.put([stored(NAME)], begun=place_in(instance.store), subjects=["s"])
    server.command("REPLICAOF", "127.0.0.1", "1")
    await instance.has_state(StoreProblem.READ_ONLY)
    assert await instance.store.find([NAME]) == [b"value"]
    with pytest.raises(StoreUnavailable):
        await instance.store.invalidate(about("s"))
    server.command("REPLICAOF", "NO", "ONE")
    await instance.has_state(None)
    await instance.store.invalidate(about("s"))


async def test_a_flushed_server_begins_a_new_log_of_which_nothing_is_missed(
    server: RedisServer, instance: Instance
) -> None:
    begun = place_in(instance.store)
    server.command("FLUSHALL")
    await until(lambda: place_in(instance.store).epoch != begun.epoch)
    assert instance.heard.restarts == [True]
    assert not await instance.store.put([stored(NAME)], begun=begun, subjects=["s"]), "its log is not this one"
    assert await instance.store.put([stored(NAME)], begun=place_in(instance.store), subjects=["s"])


async def test_a_log_that_was_set_back_is_no_log_to_go_on_from(server: RedisServer, instance: Instance) -> None:
    """As a failover does to a replica that had not received the last entries."""
    begun = place_in(instance.store)
    await instance.store.invalidate(about("s"))
    await until(lambda: place_in(instance.store).number == begun.number + 1)
    later = place_in(instance.store)
    server.command("XDEL", f"{PREFIX}log", later.id)
    await until(lambda: instance.heard.restarts == [False])
    assert not await instance.store.put([stored(NAME)], begun=later, subjects=["s"])


async def test_a_log_that_was_cut_off_before_it_was_read_says_so(server: RedisServer, instance: Instance) -> None:
    begun = place_in(instance.store)
    script = """
        for number = 1, 3 do
          redis.call('XADD', KEYS[1], '*',
            'e', ARGV[1], 'n', number, 'o', 'b:' .. number, 's', 's', 'm', 'b ' .. number)
        end
        redis.call('XTRIM', KEYS[1], 'MAXLEN', 1)
    """
    server.command("EVAL", script, "1", f"{PREFIX}log", begun.epoch)
    await until(lambda: instance.heard.messages == [b"b 3"])
    assert instance.heard.restarts == [False]
    assert not await instance.store.put([stored(NAME)], begun=begun, subjects=["of no entry"])
    assert await instance.store.put([stored(NAME)], begun=place_in(instance.store), subjects=["s"])


async def test_instances_are_counted_while_they_live(server: RedisServer, instance: Instance) -> None:
    other = Instance(RedisStore(server.url, PREFIX, clock=CLOCK), Listening("b"))
    async with other.store.running(other.heard):
        await until(lambda: instance.store.processes == other.store.processes == 2)
    await until(lambda: instance.store.processes == 1)


async def test_tokens_of_the_rate_are_granted_to_all_in_turn(server: RedisServer, instance: Instance) -> None:
    other = Instance(RedisStore(server.url, PREFIX, clock=CLOCK), Listening("b"))
    async with other.store.running(other.heard):
        began = CLOCK.monotonic()
        due = []
        for at in range(30):
            wait = await (instance if at % 2 else other).store.reserve(10.0)
            assert wait is not None
            due.append(CLOCK.monotonic() + wait - began)
    assert all(wait < 1 for wait in due[:10]), "a burst of one second"
    assert due[29] == pytest.approx(2.0, abs=0.2)
    server.kill()
    assert await instance.store.reserve(10.0) is None


async def test_a_server_that_refuses_the_password_is_reported(server: RedisServer) -> None:
    server.command("CONFIG", "SET", "requirepass", "another")
    refused = Instance(RedisStore(server.url, PREFIX, clock=CLOCK), Listening("a"))
    async with refused.store.running(refused.heard):
        assert refused.heard.states == [StoreProblem.REFUSED]


async def test_a_clock_of_the_server_that_was_set_back_stops_nobody(server: RedisServer, instance: Instance) -> None:
    """The token that is due next is due by the clock of before."""
    await until(lambda: instance.store.processes == 1)
    server.command("SET", f"{PREFIX}rate", str(CLOCK.now() + 3_600))
    waits = [await instance.store.reserve(10.0) for _ in range(12)]
    assert all(wait is not None and wait < 5 for wait in waits)


async def test_an_instance_ends_beside_a_frozen_server(server: RedisServer) -> None:
    instance = Instance(RedisStore(server.url, PREFIX, clock=CLOCK), Listening("a"))
    async with instance.store.running(instance.heard):
        server.freeze()
        await instance.has_state(StoreProblem.SLOW)
        began = CLOCK.monotonic()
    assert CLOCK.monotonic() - began < 2.0
