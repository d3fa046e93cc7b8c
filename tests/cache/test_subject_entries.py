"""The entries with data of a user, a highlight or a post, by what is in their bytes."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from gateway.cache.entity_cache import EntityCache
from gateway.cache.entry_keys import IdOf, OwnerOf
from gateway.cache.freshness import Span
from gateway.cache.store import Entry
from gateway.cache.subject_entries import Target, keys_of
from gateway.domain.ids import HighlightId, UserId, Username
from gateway.domain.media import MediaId
from gateway.errors import NotFound
from gateway.reads.endpoints import Call
from gateway.reads.facts import Lifetime
from gateway.upstream.hikerapi import endpoints, list_endpoints
from tests.cache import harness
from tests.cache.harness import answered, entry, failed, highlight, user
from tests.fakes.clock import ManualClock

PROFILE = Call(endpoints.PROFILE, "77")


@pytest.fixture
def cache() -> EntityCache:
    return harness.memory(ManualClock())


def found(cache: EntityCache, target: Target) -> set[Any]:
    async def pause(units: int) -> None:
        await asyncio.sleep(0)

    return set(asyncio.run(keys_of(cache, target, pause)))


def put(cache: EntityCache, key: Any, value: object) -> None:
    body = value if isinstance(value, bytes) else msgspec.json.encode(value)
    cache.store.put(key, Entry(Lifetime.TRAY, body, 0.0, Span(9e9, 9e9)))


@pytest.mark.parametrize(
    "value",
    [
        {"pk": "5"},
        {"pk": 5},
        {"id": "5"},
        {"user": {"pk": "5", "username": "ann"}},
        {"owner_id": 5},
        {"strong_id__": "5"},
        {"media_ids": [4, 5, 6]},
        {"media_ids": ["5"]},
        {"id": "5_4"},
        {"id": "4_5"},
        {"id": "highlight:5"},
        b'{"pk" : "5"}',
        b'{"id": [ 4, 5 ]}',
    ],
)
@pytest.mark.parametrize("target", [UserId("5"), HighlightId("5"), MediaId("5")])
def test_an_answer_with_the_id_is_found(value: object, target: Target, cache: EntityCache) -> None:
    put(cache, PROFILE, value)
    assert found(cache, target) == {PROFILE}


@pytest.mark.parametrize(
    "value",
    [
        {"pk": "55"},
        {"pk": "15"},
        {"id": "55_4"},
        {"media_type": 5, "count": 5},
        {"text": "5 of pk 5"},
        {"at": 1.5},
        b"5",
    ],
)
def test_other_numbers_are_no_ids_even_where_the_id_is_short(value: object, cache: EntityCache) -> None:
    put(cache, PROFILE, value)
    assert found(cache, UserId("5")) == set()


def test_a_user_is_found_by_name_where_no_entry_has_the_id(cache: EntityCache) -> None:
    put(cache, PROFILE, {"username": "Ann"})
    put(cache, Call(endpoints.PROFILE, "78"), {"username": "ann.other", "text": "ann"})
    cache.keep(failed(endpoints.TRAY_BY_USERNAME, "ann", NotFound("Nobody.")))
    assert found(cache, Username("ann")) == {PROFILE, Call(endpoints.TRAY_BY_USERNAME, "ann")}


def test_all_names_and_ids_of_a_user_are_found_by_each_of_them(cache: EntityCache) -> None:
    cache.keep(answered(endpoints.PROFILE, "1", user("1", "ann")))
    cache.keep(failed(endpoints.STORIES_BY_USERNAME, "anna", NotFound("Nobody.")))
    put(cache, IdOf("anna"), b"1")
    cache.keep(answered(endpoints.PROFILE, "2", user("2", "bob")))
    everything = {
        Call(endpoints.PROFILE, "1"),
        OwnerOf("1"),
        IdOf("ann"),
        IdOf("anna"),
        Call(endpoints.STORIES_BY_USERNAME, "anna"),
    }
    for target in (UserId("1"), Username("ann"), Username("anna")):
        assert found(cache, target) == everything


def test_stale_entries_are_found(cache: EntityCache) -> None:
    put(cache, IdOf("ann"), b"1")
    cache.store.put(PROFILE, Entry(Lifetime.TRAY, b'{"pk":"1"}', 0.0, Span(1.0, 9e9)))
    assert found(cache, Username("ann")) == {IdOf("ann"), PROFILE}


def test_the_items_of_a_highlight_are_found_and_its_siblings_are_not(cache: EntityCache) -> None:
    owner = user("1")
    for pk, item in (("8", "81"), ("9", "91")):
        cache.keep(answered(endpoints.HIGHLIGHT, pk, highlight(pk, owner, item)))
        cache.keep(failed(endpoints.ITEM, item, NotFound("Gone.")))
    cache.keep(answered(endpoints.TRAY, "1", [entry("8", owner)]))
    eighth = {Call(endpoints.HIGHLIGHT, "8"), Call(endpoints.ITEM, "81")}
    assert found(cache, HighlightId("8")) == eighth | {Call(endpoints.TRAY, "1")}
    assert found(cache, HighlightId("9")) == {Call(endpoints.HIGHLIGHT, "9"), Call(endpoints.ITEM, "91")}
    assert found(cache, UserId("1")) > eighth | {Call(endpoints.HIGHLIGHT, "9"), Call(endpoints.ITEM, "91")}


def test_a_highlight_of_a_user_is_found_whose_answer_does_not_name_the_user(cache: EntityCache) -> None:
    """The tray that named it may have expired."""
    cache.keep(answered(endpoints.TRAY, "1", [entry("8", user("1"))]))
    cache.store.forget(Call(endpoints.TRAY, "1"))
    cache.keep(failed(endpoints.HIGHLIGHT, "8", NotFound("Gone.")))
    assert Call(endpoints.HIGHLIGHT, "8") in found(cache, UserId("1"))


def test_searches_among_the_followers_of_a_user_and_replies_to_a_post_are_about_them(cache: EntityCache) -> None:
    search, replies = Call(list_endpoints.MATCHING_FOLLOWERS, "1 ann"), Call(list_endpoints.REPLIES, "7 71")
    for key in (search, replies, Call(list_endpoints.FOUND_USERS, "1")):
        put(cache, key, {"entries": []})
    assert found(cache, UserId("1")) == {search}
    assert found(cache, MediaId("7")) == {replies}


def test_an_answer_that_cannot_be_decoded_any_more_is_found(cache: EntityCache) -> None:
    put(cache, PROFILE, b'{"pk":"1"')
    assert found(cache, UserId("1")) == {PROFILE}


def test_pointers_from_forgotten_entries_are_removed(cache: EntityCache) -> None:
    cache.keep(answered(endpoints.HIGHLIGHT, "8", highlight("8", user("1"), "81")))
    assert (cache.owner_of("8"), cache.highlight_of("81")) == ("1", "8")
    cache.forget_pointers(found(cache, UserId("1")))
    assert (cache.owner_of("8"), cache.highlight_of("81")) == (None, None)
