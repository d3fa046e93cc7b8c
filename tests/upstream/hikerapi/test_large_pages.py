"""Pages of a hashtag, of 1.5 MB: what is cached of them is small, and what would hold up the event loop is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache

import pytest

from gateway.cache.decoded_cache import DecodedCache
from gateway.cache.entity_cache import EntityCache
from gateway.cache.store import EntryStore
from gateway.domain.list_pages import MediaPage
from gateway.domain.partial import losses, lost
from gateway.errors import UpstreamInvalidAnswer
from gateway.events import AnswerTooLarge
from gateway.reads.endpoints import Call
from gateway.reads.port import ReadOutcome
from gateway.upstream.client.bodies import LARGEST
from gateway.upstream.client.decoding import LARGEST_ODD, MOST_VALUES
from gateway.upstream.hikerapi import endpoints, list_endpoints
from tests.fakes.clock import ManualClock
from tests.fakes.upstream_services import LIFETIMES
from tests.upstream.harness import Upstream, answer
from tests.upstream.hikerapi.raw_pages import RawPages

CALL = Call(list_endpoints.RECENT_OF_HASHTAG, "love")
MEDIAS = 64
WHILE_SIGNED = 1_772_500_000.0  # before the URLs of these pages expire


@cache
def raw() -> bytes:
    return RawPages().hashtag(MEDIAS)


async def fetched(upstream: Upstream) -> ReadOutcome:
    outcome = await upstream.api().fetch(CALL)
    assert outcome.charged == 1
    return outcome


def played(body: bytes) -> Upstream:
    return Upstream(answer(200, body, x_hiker_info="reqs=1"))


def stored(outcome: ReadOutcome, *calls: Call, size: int) -> EntryStore:
    """A cache of so many bytes, with the answer of `outcome` to each of the calls."""
    clock = ManualClock(WHILE_SIGNED)
    store = EntryStore(size, clock, DecodedCache(2**22))
    cached = EntityCache(store, endpoints.ENDPOINTS, clock=clock, lifetimes=LIFETIMES, pointers=2**20)
    for call in calls:
        cached.keep(replace(outcome, call=call))
    return store


async def test_a_page_is_cached_in_its_flat_form() -> None:
    outcome = await fetched(played(raw()))
    assert len(raw()) > 1_400_000
    store = stored(outcome, CALL, size=2**24)
    entry = store.get(CALL)
    assert entry is not None
    assert (entry.body, CALL.read(entry.body)) == (outcome.body, outcome.value)
    assert store.bytes < len(raw()) / 5
    assert isinstance(outcome.value, MediaPage)
    assert len(outcome.value.entries) == MEDIAS
    for unread in (b"clips_metadata", b"video_dash_manifest", b"additional_candidates", b"friendship_status"):
        assert unread in raw()
        assert unread not in entry.body


async def test_the_cache_s_bound_counts_flat_pages() -> None:
    """Eight raw pages would not fit into this cache."""
    outcome = await fetched(played(raw()))
    calls = [Call(list_endpoints.RECENT_OF_HASHTAG, f"love{at}") for at in range(8)]
    store = stored(outcome, *calls, size=3_000_000)
    assert all(store.get(call) for call in calls)


async def test_an_odd_value_in_a_large_page_costs_itself() -> None:
    """The body is larger than one that is decoded leniently; its flat form is not."""
    page = json.loads(raw())
    layouts = [section["layout_content"] for section in page["response"]["sections"]]
    rows = [layout["medias"] for layout in layouts if "medias" in layout]
    rows[0][0]["media"]["like_count"] = []
    rows[1][0]["media"] = "none"
    rows[2][0]["media"]["clips_metadata"]["more"] = "x" * (LARGEST_ODD - 1_400_000)
    body = json.dumps(page, separators=(",", ":")).encode()
    assert len(body) > LARGEST_ODD
    outcome = await fetched(played(body))
    assert outcome.problem is None
    assert isinstance(outcome.value, MediaPage)
    assert (len(outcome.value.entries), lost(outcome.value, "entries")) == (MEDIAS - 1, 1)
    assert [losses(entry) for entry in outcome.value.entries if losses(entry)] == [{"likes": 0}]


@pytest.mark.parametrize("filler", [b"0,", b"{},", b"[],", b'"",', b'",",'])
async def test_a_body_of_too_many_values_is_refused(filler: bytes) -> None:
    """It is counted before it is parsed, whatever reads it, and wherever the values are."""
    count = MOST_VALUES // filler.count(b",") + 1
    page = raw()
    body = page[:-1] + b',"unread":[' + filler * count + b"0]}"
    assert len(body) < LARGEST
    outcome = await fetched(played(body))
    assert (type(outcome.problem), outcome.value, outcome.body) == (UpstreamInvalidAnswer, None, b"")


async def test_a_body_of_almost_too_many_values_is_read() -> None:
    counted = sum(raw().count(mark) for mark in (b",", b"[", b"{"))
    body = raw()[:-1] + b',"unread":[' + b"0," * (MOST_VALUES - counted - 4) + b"0]}"
    assert (await fetched(played(body))).problem is None
    body = body[:-1] + b',"more":[0,0,0,0]}'
    assert isinstance((await fetched(played(body))).problem, UpstreamInvalidAnswer)


async def test_a_body_of_too_many_bytes_is_refused() -> None:
    body = raw()[:-1] + b',"unread":"' + b"x" * LARGEST + b'"}'
    upstream = played(body)
    outcome = await upstream.api().fetch(CALL)
    assert (type(outcome.problem), outcome.body) == (UpstreamInvalidAnswer, b"")
    assert [event.endpoint for event in upstream.seen(AnswerTooLarge)] == ["recent_of_hashtag"]
