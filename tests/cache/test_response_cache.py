"""A kept answer stands as long as each of its entries is there, fresh, and says the same."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from gateway.cache.freshness import Span
from gateway.cache.response_cache import OVERHEAD, Dependencies, Response, Responses
from gateway.cache.store import Entry, EntryStore
from gateway.errors import NotFound
from gateway.reads.facts import Lifetime
from tests.fakes.gateway import WallClock


@dataclass(eq=False)
class Repeat:
    """An answer, repeated to one request."""

    response: Response
    size: int = 1_000


class Shop:
    """A store with one entry, and an answer that was made of it."""

    def __init__(self, max_bytes: int = 10_000) -> None:
        self.clock = WallClock(1_000.0)
        self.store = EntryStore(100_000, self.clock)
        self.responses = Responses[Repeat](max_bytes, store=self.store, clock=self.clock)

    def put(self, key: str, body: bytes = b"1", fresh_until: float = 2_000.0) -> Entry:
        entry = Entry(Lifetime.TRAY, body, self.clock.now(), Span(fresh_until, fresh_until + 500))
        self.store.put(key, entry)
        return entry

    def keep(self, key: str, *entries: str, data: bytes = b"{}") -> Response:
        made_of = tuple((name, entry) for name in entries if (entry := self.store.get(name)))
        response = Response(data, 3, Dependencies.of(made_of))
        self.responses.keep(key, response)
        return response


def test_an_answer_is_found_while_its_entries_stand() -> None:
    shop = Shop()
    shop.put("tray")
    assert shop.responses.find("q") is None
    kept = shop.keep("q", "tray")
    assert shop.responses.find("q") is kept


def test_it_dies_with_the_earliest_expiry() -> None:
    shop = Shop()
    shop.put("tray", fresh_until=1_300)
    shop.put("highlight", fresh_until=1_100)
    kept = shop.keep("q", "tray", "highlight")
    assert shop.responses.life(kept) == 100
    shop.clock.advance(99)
    assert shop.responses.find("q") is kept
    shop.clock.advance(1)
    assert shop.responses.find("q") is None
    assert shop.responses.life(kept) == 0


def test_it_dies_when_an_entry_is_replaced_by_other_news() -> None:
    shop = Shop()
    shop.put("tray")
    shop.keep("q", "tray")
    shop.put("tray", b"2")
    assert shop.responses.find("q") is None


def test_it_outlives_the_same_news_told_again() -> None:
    """The owner's short fields ride on every highlight: buying another one changes nothing."""
    shop = Shop()
    shop.put("owner")
    kept = shop.keep("q", "owner")
    shop.put("owner")
    assert shop.responses.find("q") is kept


def test_it_does_not_keep_the_bytes_of_entries_that_are_gone() -> None:
    """They would be memory that nobody counts: many an answer outlives the least used of its entries."""
    shop = Shop()
    body = bytes(1_000)
    alone = sys.getrefcount(body)
    shop.put("tray", body)
    shop.keep("q", "tray")
    shop.store.forget("tray")
    assert sys.getrefcount(body) == alone


def test_it_dies_when_an_entry_turns_out_to_be_missing() -> None:
    shop = Shop()
    shop.put("tray", b"")
    shop.keep("q", "tray")
    shop.store.put("tray", Entry(Lifetime.MISSING, b"", 1_000.0, Span(2_000, 2_000), NotFound("gone")))
    assert shop.responses.find("q") is None


def test_it_dies_when_an_entry_is_forgotten() -> None:
    shop = Shop()
    shop.put("tray")
    shop.keep("q", "tray")
    shop.store.forget("tray")
    assert shop.responses.find("q") is None


def test_an_answer_whose_entries_are_gone_already_is_not_kept() -> None:
    shop = Shop()
    entry = shop.put("tray")
    shop.store.forget("tray")
    shop.responses.keep("q", Response(b"{}", 3, Dependencies.of((("tray", entry),))))
    assert shop.responses.find("q") is None


def test_an_answer_that_stands_on_nothing_stays() -> None:
    shop = Shop()
    kept = shop.keep("q")
    shop.clock.advance(10**9)
    assert shop.responses.find("q") is kept


def test_answers_are_bounded_by_bytes_and_the_least_used_go_first() -> None:
    shop = Shop(max_bytes=4_000)
    for name in ("a", "b", "c"):
        shop.keep(name, data=b"x" * 800)
        shop.responses.find("a")
    assert shop.responses.find("a") is not None
    assert shop.responses.find("b") is None


def test_an_answer_larger_than_the_cache_is_not_kept_and_nor_is_what_it_replaces() -> None:
    shop = Shop(max_bytes=3_000)
    shop.keep("q")
    shop.keep("q", data=b"x" * 4_000)
    assert shop.responses.find("q") is None


def test_a_repeat_is_found_while_its_answer_stands_and_goes_with_it() -> None:
    shop = Shop()
    shop.put("tray")
    repeat = Repeat(shop.keep("q", "tray"))
    shop.responses.keep_replay("request", repeat)
    assert shop.responses.find_replay("request") is repeat
    shop.put("tray", b"2")
    assert shop.responses.find_replay("request") is None
    assert shop.responses.size == 0


def test_repeats_go_with_an_answer_that_is_replaced() -> None:
    shop = Shop()
    for request in ("one", "other"):
        shop.responses.keep_replay(request, Repeat(shop.keep("q")))
    assert shop.responses.find_replay("one") is None
    kept = shop.keep("q")
    assert shop.responses.find_replay("other") is None
    assert shop.responses.size == kept.size


def test_repeats_go_with_an_answer_that_is_evicted() -> None:
    shop = Shop(max_bytes=3_000)
    shop.responses.keep_replay("request", Repeat(shop.keep("a")))
    for name in ("b", "c"):
        shop.keep(name, data=b"x" * 600)
    assert shop.responses.find_replay("request") is None
    assert shop.responses.size == 2 * (OVERHEAD + 600)


def test_an_answer_outlives_its_least_used_repeats() -> None:
    shop = Shop(max_bytes=5_000)
    kept = shop.keep("q")
    for turn in range(9):
        shop.responses.keep_replay(turn, Repeat(kept))
        assert shop.responses.find_replay(0) is not None
    assert [turn for turn in range(9) if shop.responses.find_replay(turn)] == [0, 6, 7, 8]
    assert list(kept.requests) == [0, 6, 7, 8]


def test_a_repeat_is_not_kept_without_its_answer_or_without_room_for_both() -> None:
    shop = Shop(max_bytes=3_000)
    gone = shop.keep("q")
    kept = shop.keep("q")
    shop.responses.keep_replay("request", Repeat(gone))
    shop.responses.keep_replay("large", Repeat(kept, size=2_500))
    assert [shop.responses.find_replay(request) for request in ("request", "large")] == [None, None]
    assert shop.responses.find("q") is kept


def test_equal_data_has_an_equal_tag() -> None:
    one, same, other = (Response(data, 0, Dependencies.of(())) for data in (b"1", b"1", b"2"))
    assert one.etag == same.etag != other.etag
