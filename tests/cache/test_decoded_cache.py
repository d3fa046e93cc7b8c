"""The value of an entry is decoded once, and goes with the entry, as do the projections of its list."""

from __future__ import annotations

import sys
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cache.decoded_cache import MEMORY_FACTOR, OVERHEAD, DecodedCache
from gateway.cache.freshness import Span
from gateway.cache.store import OVERHEAD as ENTRY
from gateway.cache.store import Entry, EntryStore
from gateway.domain.models import LoadedHighlight
from gateway.domain.shared_tuple import SharedTuple
from gateway.errors import UpstreamInvalidAnswer
from gateway.reads.endpoints import Call
from gateway.reads.facts import Lifetime, Value
from gateway.upstream.hikerapi import endpoints
from tests.cache import harness
from tests.fakes.clock import ManualClock

CALL = Call(endpoints.PROFILE, "1")
TRAY = Call(endpoints.TRAY, "1")


def body(username: str) -> bytes:
    return msgspec.json.encode(harness.user(username=username))


def tray(*pks: str) -> bytes:
    return msgspec.json.encode([harness.entry(pk, harness.user()) for pk in pks])


class Lists:
    """The ids of the lists whose projections may be cached."""

    def __init__(self) -> None:
        self.ids: list[int] = []

    def add(self, objects: SharedTuple[Any]) -> None:
        self.ids.append(id(objects))

    def drop(self, objects: SharedTuple[Any]) -> None:
        self.ids.remove(id(objects))


class Cache:
    """A store of trays whose values and lists can be seen."""

    def __init__(self, max_bytes: int = 10**6, values: int = 10**6) -> None:
        self.clock, self.lists = ManualClock(), Lists()
        self.decoded = DecodedCache(values, self.lists)
        self.store = EntryStore(max_bytes, self.clock, self.decoded)

    def put(self, call: Call, content: bytes, *, fresh: float = 10) -> None:
        now = self.clock.now()
        self.store.put(call, Entry(Lifetime.TRAY, content, now, Span(now + fresh, now + fresh)))

    def read(self, call: Call) -> Value | None:
        entry = self.store.get(call)
        return None if entry is None else self.decoded.read(call, entry.body)

    def is_without(self, call: Call) -> bool:
        """Neither a value nor a list of the entry is left."""
        return self.decoded.find(call) is None and not self.lists.ids


def test_one_entry_is_decoded_once() -> None:
    decoded = DecodedCache(10**6)
    assert decoded.find(CALL) is None
    assert decoded.read(CALL, body("ann")) is decoded.read(CALL, body("ann")) is decoded.find(CALL)


def test_a_value_larger_than_the_cache_is_decoded_each_time() -> None:
    decoded = DecodedCache(OVERHEAD)
    assert decoded.read(CALL, body("ann")) == decoded.read(CALL, body("ann"))
    assert decoded.read(CALL, body("ann")) is not decoded.read(CALL, body("ann"))


def test_the_least_used_go_first() -> None:
    calls = [Call(endpoints.PROFILE, str(number)) for number in range(3)]
    decoded = DecodedCache(2 * (OVERHEAD + int(MEMORY_FACTOR * len(body("ann")))))
    first, second, third = [decoded.read(call, body("ann")) for call in calls]
    again = [decoded.read(call, body("ann")) for call in reversed(calls)]
    assert again[0] is third
    assert again[1] is second
    assert again[2] is not first


def test_an_entry_that_cannot_be_decoded_has_no_value() -> None:
    decoded = DecodedCache(10**6)
    for _ in range(2):
        with pytest.raises(UpstreamInvalidAnswer):
            decoded.read(CALL, b"[")


def test_its_lists_are_known_to_last_and_those_of_others_are_not() -> None:
    decoded, call = DecodedCache(10**6), Call(endpoints.HIGHLIGHT, "5")
    bodies = {call: msgspec.json.encode(harness.highlight("5", harness.user(), "51", "52")), TRAY: tray("5")}
    shown = []
    for asked, content in bodies.items():
        value = decoded.read(asked, content)
        assert value == asked.read(content)
        assert decoded.read(asked, content) is value
        shown.append(value.items if isinstance(value, LoadedHighlight) else value)
    assert [type(entries) for entries in shown] == [SharedTuple, SharedTuple]
    assert type(TRAY.read(bodies[TRAY])) is tuple


def test_an_entry_in_place_of_another_is_decoded_itself() -> None:
    cache = Cache()
    names = []
    for name in ("ann", "bob", "ann"):
        cache.put(CALL, body(name))
        names.append(cache.read(CALL).username)  # type: ignore[union-attr]
    assert names == ["ann", "bob", "ann"]


def test_a_forced_answer_has_a_value_of_its_own() -> None:
    cache, forced = Cache(), Call(endpoints.TRAY, "1", forced=True)
    cache.put(TRAY, tray("5"))
    cache.put(forced, tray("5"))
    kept = cache.read(forced)
    assert cache.read(TRAY) is not kept
    cache.store.forget(TRAY)
    assert cache.decoded.find(TRAY) is None
    assert cache.read(forced) is kept


def test_an_entry_with_unchanged_content_keeps_its_value_and_its_list() -> None:
    cache = Cache()
    cache.put(TRAY, tray("5"))
    value, lists = cache.read(TRAY), list(cache.lists.ids)
    cache.clock.advance(5)
    cache.put(TRAY, tray("5"))
    assert cache.read(TRAY) is value
    assert cache.lists.ids == lists == [id(value)]


def test_a_value_goes_with_its_entry() -> None:
    """Evicted, expired, forgotten, replaced, replaced by what is not stored, or refreshed when it has expired."""
    evicted, expired, forgotten, replaced, too_large, dead = (Cache(3 * ENTRY) for _ in range(6))
    for cache in (evicted, expired, forgotten, replaced, too_large, dead):
        cache.put(TRAY, tray("5"))
        cache.read(TRAY)
        assert not cache.is_without(TRAY)
    for number in range(3):
        evicted.put(Call(endpoints.PROFILE, str(number)), body("bob"))
    expired.clock.advance(10)
    expired.put(CALL, body("bob"))
    forgotten.store.forget(TRAY)
    replaced.put(TRAY, tray("6"))
    too_large.put(TRAY, tray(*"56789" * 10))
    dead.put(TRAY, tray("5"), fresh=0)
    for cache in (evicted, expired, forgotten, replaced, too_large, dead):
        assert cache.is_without(TRAY)


def test_the_list_of_an_evicted_value_goes_with_it() -> None:
    size = OVERHEAD + int(MEMORY_FACTOR * len(tray("5")))
    cache = Cache(values=2 * size)
    for key in "123":
        cache.put(Call(endpoints.TRAY, key), tray("5"))
        cache.read(Call(endpoints.TRAY, key))
    assert cache.decoded.find(TRAY) is None
    assert len(cache.lists.ids) == 2


def test_nothing_else_keeps_the_value_or_the_bytes_of_an_entry_that_is_gone() -> None:
    cache, content = Cache(), tray("5")
    alone = sys.getrefcount(content)
    cache.put(TRAY, content)
    value = cache.read(TRAY)
    assert sys.getrefcount(content) > alone
    assert sys.getrefcount(value) > alone
    cache.store.forget(TRAY)
    assert (sys.getrefcount(content), sys.getrefcount(value)) == (alone, alone)


STEPS = st.lists(st.tuples(st.sampled_from("pfrt"), st.integers(0, 4), st.integers(0, 2)), max_size=60)


@given(STEPS, st.integers(1, 5), st.integers(1, 5))
def test_a_value_is_always_that_of_an_entry_in_the_store(
    steps: list[tuple[str, int, int]], entries: int, values: int
) -> None:
    """The lists are those of the cached values, whatever happens to the entries."""
    cache = Cache(entries * 1_500, values * 1_500)
    calls = [Call(endpoints.TRAY, str(number)) for number in range(5)]
    for step, number, content in steps:
        if step == "p":
            cache.put(calls[number], tray(str(content)), fresh=content * 2)
        elif step == "f":
            cache.store.forget(calls[number])
        elif step == "t":
            cache.clock.advance(content)
        else:
            cache.read(calls[number])
        assert len(cache.store) <= entries  # which drops the expired ones
        found = {call: value for call in calls if (value := cache.decoded.find(call)) is not None}
        assert len(found) <= values
        assert sorted(cache.lists.ids) == sorted(map(id, found.values()))
        for call, value in found.items():
            entry = cache.store.get(call)
            assert entry is not None
            assert value == call.read(entry.body)
