"""What is counted is no less than what is held: small things by the thousand, where all that is beside them counts."""

from __future__ import annotations

import gc
import os
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from gateway.cache.bounded_index import BoundedIndex
from gateway.cache.freshness import Span
from gateway.cache.response_cache import Dependencies, Response, Responses
from gateway.cache.store import Entry, EntryStore
from gateway.errors import NotFound
from gateway.reads.endpoints import Call
from gateway.reads.facts import Lifetime
from gateway.upstream.hikerapi import endpoints
from tests.fakes.clock import EPOCH, ManualClock

MOST = 2**18
LIFE = Span(EPOCH + 1_000, EPOCH + 1_000)
CLOCK = ManualClock()


def entries() -> object:
    store = EntryStore(MOST, CLOCK)
    for number in range(1_000):
        store.put(Call(endpoints.PROFILE, f"{10**17 + number}"), Entry(Lifetime.PROFILE, b"%d" % number, EPOCH, LIFE))
    return store


def absences() -> object:
    store = EntryStore(MOST, CLOCK)
    for number in range(1_000):
        problem = NotFound(f"User 'nobody{number}' was not found.")
        store.put(
            Call(endpoints.PROFILE_BY_USERNAME, f"nobody{number}"), Entry(Lifetime.MISSING, b"", EPOCH, LIFE, problem)
        )
    return store


def answers() -> object:
    store = EntryStore(MOST, CLOCK)
    responses = Responses[Any](MOST, store=store, clock=CLOCK)
    for number in range(1_000):
        response = Response(b"%d" % number, 1, Dependencies.of(()))
        assert response.etag
        responses.keep(os.urandom(32), response)
    return responses


def pointers() -> object:
    kept: BoundedIndex[str] = BoundedIndex(MOST)
    for number in range(40):
        kept.point([f"{10**18 + 100 * number + at}" for at in range(100)], f"{10**17 + number}")
    return kept


@pytest.mark.usefixtures("frozen_heap")
@pytest.mark.no_cover  # measuring takes memory in the name of the lines that run
@pytest.mark.parametrize("fill", [entries, absences, answers, pointers], ids=lambda fill: fill.__name__)
def test_a_memory_takes_no_more_than_its_bytes(fill: Callable[[], object]) -> None:
    gc.collect()
    tracemalloc.start()
    try:
        filled = fill()
        gc.collect()
        assert tracemalloc.get_traced_memory()[0] < MOST
        assert filled is not None
    finally:
        tracemalloc.stop()
