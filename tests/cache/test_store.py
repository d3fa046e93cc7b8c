"""The entries: bounded by bytes, gone in time."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cache.freshness import Span
from gateway.cache.store import OVERHEAD, Entry, EntryStore
from gateway.errors import NotFound
from gateway.reads.facts import Lifetime
from tests.fakes.clock import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def entry(clock: ManualClock, size: int = 0, *, fresh: float = 10, serve: float = 20) -> Entry:
    now = clock.now()
    return Entry(Lifetime.TRAY, b"x" * size, now, Span(now + fresh, now + serve))


def test_an_entry_is_fresh_then_stale_then_gone(clock: ManualClock) -> None:
    store = EntryStore(10**6, clock)
    kept = entry(clock)
    store.put("key", kept)
    assert store.get("key") is store.get("key", stale=True) is kept
    clock.advance(10)
    assert store.get("key") is None
    assert store.get("key", stale=True) is kept
    clock.advance(10)
    assert store.get("key", stale=True) is None
    assert (len(store), store.bytes) == (0, 0)


def test_an_absence_is_an_entry_and_no_miss(clock: ManualClock) -> None:
    store = EntryStore(10**6, clock)
    absence = Entry(Lifetime.MISSING, b"", clock.now(), Span(clock.now() + 1, clock.now() + 1), NotFound("Nobody."))
    store.put("key", absence)
    assert store.get("key") is absence


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3 * OVERHEAD)), max_size=40), st.integers(1, 12))
def test_the_bytes_never_exceed_the_bound(puts: list[tuple[int, int]], entries: int) -> None:
    clock = ManualClock()
    store = EntryStore(entries * OVERHEAD, clock)
    for key, size in puts:
        store.put(key, entry(clock, size))
        assert store.bytes <= entries * OVERHEAD
        assert (store.get(key) is not None) == (size <= (entries - 1) * OVERHEAD)


def test_the_least_recently_used_entry_makes_room(clock: ManualClock) -> None:
    store = EntryStore(3 * OVERHEAD, clock)
    for key in "abc":
        store.put(key, entry(clock))
    assert store.get("a")
    store.put("d", entry(clock))
    assert [key for key in "abcd" if store.get(key)] == ["a", "c", "d"]


def test_what_is_too_large_is_not_kept_and_what_it_replaces_is_gone(clock: ManualClock) -> None:
    """The older answer is known to be out of date."""
    store = EntryStore(2 * OVERHEAD, clock)
    store.put("key", entry(clock))
    store.put("key", entry(clock, 2 * OVERHEAD))
    assert store.get("key") is None


def test_what_is_dead_on_arrival_is_not_kept_and_what_it_replaces_is_gone(clock: ManualClock) -> None:
    store = EntryStore(10**6, clock)
    store.put("key", entry(clock))
    store.put("key", entry(clock, fresh=-1, serve=0))
    assert store.get("key", stale=True) is None
    assert store.bytes == 0


def test_a_new_entry_takes_the_place_and_the_bytes_of_the_old_one(clock: ManualClock) -> None:
    store = EntryStore(10**6, clock)
    store.put("key", entry(clock, 5_000))
    store.put("key", entry(clock, 7))
    assert (len(store), store.bytes) == (1, OVERHEAD + 7)


def test_what_is_forgotten_is_gone_and_forgetting_twice_is_nothing(clock: ManualClock) -> None:
    store = EntryStore(10**6, clock)
    store.put("key", entry(clock))
    store.forget("key")
    store.forget("key")
    assert store.get("key", stale=True) is None


def test_expired_entries_go_before_fresh_ones_are_pushed_out(clock: ManualClock) -> None:
    store = EntryStore(10 * OVERHEAD, clock)
    lives = {key: random.Random(key).choice([5, 50]) for key in range(10)}
    for key, life in lives.items():
        store.put(key, entry(clock, fresh=life, serve=life))
    clock.advance(6)
    store.put("new", entry(clock))
    assert {key for key in lives if store.get(key)} == {key for key, life in lives.items() if life == 50}
