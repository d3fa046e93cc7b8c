"""The counts of the caches, as operations over HTTP change them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cache.entry_keys import IdOf, OwnerOf
from gateway.cache.freshness import Span
from gateway.cache.statistics import FactStatistics
from gateway.cache.store import OVERHEAD, Entry, EntryStore
from gateway.reads.endpoints import Call
from gateway.reads.facts import FactKind, Lifetime
from gateway.sandbox.faults import Status
from gateway.upstream.hikerapi import endpoints
from tests.fakes.clock import ManualClock
from tests.fakes.gateway import RunningGateway, running_gateway

TRAY = '{ user(by: { username: "natgeo" }) { highlights { nodes { title } } } }'
TITLES_AND_SIZES = '{ user(by: { username: "natgeo" }) { highlights { nodes { title mediaCount } } } }'
KEYS: dict[Any, FactKind] = {
    Call(endpoints.TRAY, "1"): FactKind.TRAY,
    Call(endpoints.TRAY, "1", forced=True): FactKind.TRAY,
    Call(endpoints.TRAY_BY_USERNAME, "ann"): FactKind.TRAY,
    Call(endpoints.HIGHLIGHT, "2"): FactKind.HIGHLIGHT,
    OwnerOf("1"): FactKind.SUMMARY,
    IdOf("ann"): FactKind.IDENTITY,
}


def lookups(gateway: RunningGateway) -> dict[FactKind, tuple[int, int, int]]:
    counts = gateway.parts.reading.services.memory.statistics()
    return {kind: (one.hits, one.misses, one.stale) for kind, one in counts.items() if one.lookups}


async def test_a_call_is_a_miss_and_a_fresh_entry_is_a_hit_once_for_each_operation(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway:
        await gateway.query(TRAY)
        assert lookups(gateway) == {FactKind.TRAY: (0, 1, 0)}
        await gateway.query(TITLES_AND_SIZES)
        of_the_user = {FactKind.IDENTITY: (1, 0, 0), FactKind.SUMMARY: (1, 0, 0)}
        assert lookups(gateway) == {**of_the_user, FactKind.TRAY: (1, 1, 0)}


async def test_a_price_counts_nothing(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway:
        await gateway.query(TRAY)
        before = lookups(gateway)
        for _ in range(3):
            answer = await gateway.query(
                "query P($d: String!) { price(document: $d) { upper } }", {"d": TITLES_AND_SIZES}
            )
            assert answer.data == {"price": {"upper": 0}}
        assert lookups(gateway) == before


async def test_an_answer_of_a_stale_entry_is_counted_apart_and_a_failure_is_a_miss(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway:
        await gateway.query(TRAY)
        gateway.sandbox.faults.lay(Status(status=401))
        gateway.clock.advance(700)
        assert not (await gateway.query(TITLES_AND_SIZES)).errors
        assert (await gateway.query('{ highlight(by: { id: "1" }) { title } }')).errors
        assert lookups(gateway) == {
            FactKind.IDENTITY: (1, 0, 0),
            FactKind.SUMMARY: (1, 0, 0),
            FactKind.TRAY: (0, 1, 1),
            FactKind.HIGHLIGHT: (0, 1, 0),
        }


async def test_a_whole_response_is_executed_then_found_then_replayed(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway:
        found = []
        for _ in range(4):
            await gateway.query(TRAY)
            counts = gateway.kept.responses.statistics()
            found.append((counts.misses, counts.hits, counts.replays, counts.responses))
        assert found == [(1, 0, 0, 1), (1, 1, 0, 1), (1, 1, 1, 1), (1, 1, 2, 1)]
        assert counts.bytes == gateway.kept.responses.size > 0
        gateway.clock.advance(700)
        await gateway.query("{ allowance { client } }")  # the same for no two clients, and never cached
        assert gateway.kept.responses.statistics() == counts


@pytest.mark.parametrize("entries", [3, 100])
@given(steps=st.lists(st.tuples(st.sampled_from(list(KEYS)), st.integers(-1, 3), st.integers(1, 9)), max_size=40))
def test_the_entries_of_all_kinds_are_those_of_the_store(entries: int, steps: list[tuple[Any, int, int]]) -> None:
    """However they leave it: replaced, forgotten, evicted, expired."""
    clock = ManualClock()
    store = EntryStore(entries * OVERHEAD, clock)
    for key, halves, life in steps:
        clock.advance(1)
        if halves < 0:
            store.forget(key)
        else:
            until = clock.now() + life - 1
            store.put(key, Entry(Lifetime.TRAY, bytes(halves * OVERHEAD // 2), clock.now(), Span(until, until)))
        size = store.bytes  # drops what has expired
        counts = store.counters.snapshot()
        assert sum(one.bytes for one in counts.values()) == size
        assert sum(one.entries for one in counts.values()) == len(store)
        held = {kind: sum(KEYS[key] is kind and store.get(key) is not None for key in KEYS) for kind in counts}
        assert all(counts[kind].entries >= present for kind, present in held.items())


def test_a_snapshot_does_not_change() -> None:
    store = EntryStore(10**6, clock := ManualClock())
    store.put(OwnerOf("1"), Entry(Lifetime.PROFILE, b"x", clock.now(), Span(clock.now() + 9, clock.now() + 9)))
    before = store.counters.snapshot()
    store.forget(OwnerOf("1"))
    assert before == {FactKind.SUMMARY: FactStatistics(entries=1, bytes=OVERHEAD + 1)}
    assert store.counters.snapshot() == {FactKind.SUMMARY: FactStatistics()}
