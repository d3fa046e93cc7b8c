"""What was read of an entry is handed out again, and never of another entry than the one at hand."""

from __future__ import annotations

import sys

import msgspec
import pytest

from gateway.cache.decoded_cache import MEMORY_FACTOR, DecodedCache
from gateway.cache.freshness import Span
from gateway.cache.store import OVERHEAD, Entry
from gateway.domain.models import LoadedHighlight
from gateway.domain.shared_tuple import SharedTuple
from gateway.errors import UpstreamInvalidAnswer
from gateway.reads.endpoints import Call
from gateway.reads.facts import Lifetime
from gateway.upstream.hikerapi import endpoints
from tests.cache import harness

CALL = Call(endpoints.PROFILE, "1")


def entry(username: str) -> Entry:
    return Entry(Lifetime.PROFILE, msgspec.json.encode(harness.user(username=username)), 0.0, Span(10.0, 20.0))


def test_one_entry_is_read_once() -> None:
    decoded, ann = DecodedCache(10**6), entry("ann")
    assert decoded.read(CALL, ann) is decoded.read(CALL, ann)


def test_an_entry_that_took_the_place_of_another_is_read_itself() -> None:
    decoded = DecodedCache(10**6)
    names = [decoded.read(CALL, entry(name)).username for name in ("ann", "bob", "ann")]  # type: ignore[union-attr]
    assert names == ["ann", "bob", "ann"]


def test_what_is_too_large_is_read_each_time() -> None:
    decoded, ann = DecodedCache(OVERHEAD), entry("ann")
    assert decoded.read(CALL, ann) == decoded.read(CALL, ann)
    assert decoded.read(CALL, ann) is not decoded.read(CALL, ann)


def test_the_least_used_go_first() -> None:
    entries = {Call(endpoints.PROFILE, str(number)): entry("ann") for number in range(3)}
    decoded = DecodedCache(2 * (OVERHEAD + int(MEMORY_FACTOR * len(entry("ann").body))))
    first, second, third = [decoded.read(call, one) for call, one in entries.items()]
    again = [decoded.read(call, one) for call, one in reversed(entries.items())]
    assert again[0] is third
    assert again[1] is second
    assert again[2] is not first


def test_what_cannot_be_read_is_not_kept() -> None:
    decoded, broken = DecodedCache(10**6), Entry(Lifetime.PROFILE, b"[", 0.0, Span(10.0, 20.0))
    for _ in range(2):
        with pytest.raises(UpstreamInvalidAnswer):
            decoded.read(CALL, broken)


def test_its_lists_are_known_to_last_and_those_of_others_are_not() -> None:
    decoded, call = DecodedCache(10**6), Call(endpoints.HIGHLIGHT, "5")
    bodies = {
        call: msgspec.json.encode(harness.highlight("5", harness.user(), "51", "52")),
        Call(endpoints.TRAY, "1"): msgspec.json.encode([harness.entry("5", harness.user())]),
    }
    shown = []
    for asked, body in bodies.items():
        one = Entry(Lifetime.TRAY, body, 0.0, Span(10.0, 20.0))
        value = decoded.read(asked, one)
        assert value == asked.read(body)
        assert decoded.read(asked, one) is value
        shown.append(value.items if isinstance(value, LoadedHighlight) else value)
    assert [type(entries) for entries in shown] == [SharedTuple, SharedTuple]
    assert type(Call(endpoints.TRAY, "1").read(bodies[Call(endpoints.TRAY, "1")])) is tuple


def test_the_bytes_of_an_entry_that_is_gone_are_not_kept() -> None:
    decoded, ann = DecodedCache(10**6), entry("ann")
    body, alone = ann.body, sys.getrefcount(ann.body)
    decoded.read(CALL, ann)
    del ann
    assert sys.getrefcount(body) < alone + 1
