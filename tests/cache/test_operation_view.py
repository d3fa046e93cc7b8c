"""What one operation reads of the cache: lists of items, which name their owner by id alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gateway.cache.entity_cache import EntityCache
from gateway.cache.operation_view import OperationView
from gateway.cache.response_cache import Dependencies
from gateway.domain.ids import ItemId, UserId, Username
from gateway.domain.models import Item
from gateway.errors import NotFound, Renamed
from gateway.reads.endpoints import Call
from gateway.reads.facts import FactKind
from gateway.upstream.hikerapi import endpoints
from tests.cache.harness import answered, failed, memory
from tests.fakes.clock import ManualClock

ANN = UserId("1")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def cache(clock: ManualClock) -> EntityCache:
    return memory(clock)


def story(clock: ManualClock, pk: str, *, age: float = 0) -> dict[str, Any]:
    posted = clock.now() - age
    return {"pk": pk, "id": f"{pk}_1", "taken_at": posted, "user": {"pk": "1", "username": None}}


def view(cache: EntityCache) -> OperationView:
    return OperationView(cache, forced=False)


def test_stories_by_name_remember_whose_the_name_is(clock: ManualClock, cache: EntityCache) -> None:
    cache.keep(answered(endpoints.STORIES_BY_USERNAME, "ann", [story(clock, "11")]))
    assert view(cache).fact(FactKind.IDENTITY, Username("ann")) == ANN
    stories = view(cache).fact(FactKind.STORIES, ANN)
    assert [each.pk for each in stories] == ["11"]
    assert view(cache).fact(FactKind.SUMMARY, ANN) is None


def test_a_response_made_of_stories_by_name_may_be_kept(clock: ManualClock, cache: EntityCache) -> None:
    outcome = answered(endpoints.STORIES_BY_USERNAME, "ann", [story(clock, "11")])
    cache.keep(outcome)
    fetcher = view(cache)
    fetcher.note(outcome)
    assert fetcher.provenance() is not None


def test_live_stories_serve_items_as_long_as_they_are_fresh(clock: ManualClock, cache: EntityCache) -> None:
    cache.keep(answered(endpoints.STORIES, "1", [story(clock, "11"), story(clock, "12")]))
    fetcher = view(cache)
    item = fetcher.fact(FactKind.ITEM, ItemId("12"))
    assert isinstance(item, Item)
    assert item.id == "12_1"
    assert fetcher.recalls
    assert view(cache).fact(FactKind.ITEM, ItemId("13")) is None
    clock.advance(10)
    assert view(cache).fact(FactKind.ITEM, ItemId("12")) is None


def test_a_list_of_stories_is_not_fresh_beyond_the_end_of_the_first(clock: ManualClock, cache: EntityCache) -> None:
    cache.keep(answered(endpoints.STORIES, "1", [story(clock, "11", age=86_395), story(clock, "12")]))
    clock.advance(4)
    assert view(cache).fact(FactKind.STORIES, ANN) is not None
    clock.advance(1)
    assert view(cache).fact(FactKind.STORIES, ANN) is None
    assert view(cache).stale(Call(endpoints.STORIES, "1")) is None


def test_a_story_that_has_ended_already_does_not_keep_a_list_from_being_fresh(
    clock: ManualClock, cache: EntityCache
) -> None:
    """The upstream may list it for some time: each request would pay again."""
    cache.keep(answered(endpoints.STORIES, "1", [story(clock, "11", age=90_000), story(clock, "12")]))
    assert view(cache).fact(FactKind.STORIES, ANN) is not None
    clock.advance(10)
    assert view(cache).fact(FactKind.STORIES, ANN) is None


def test_a_write_forgets_the_stories_of_its_account(clock: ManualClock, cache: EntityCache) -> None:
    cache.keep(answered(endpoints.STORIES, "1", [story(clock, "11")]))
    cache.keep(answered(endpoints.STORIES_BY_USERNAME, "ann", []))
    cache.forget(ANN, "Ann")
    assert view(cache).fact(FactKind.STORIES, ANN) is None
    assert view(cache).fact(FactKind.STORIES, Username("ann")) is None


def test_stories_bought_by_force_serve_their_items_to_no_one_else(clock: ManualClock, cache: EntityCache) -> None:
    cache.keep(answered(endpoints.STORIES, "1", [story(clock, "11")], forced=True))
    assert view(cache).fact(FactKind.ITEM, ItemId("11")) is None
    forcing = OperationView(cache, forced=True).fact(FactKind.ITEM, ItemId("11"))
    assert isinstance(forcing, Item)


def test_items_are_served_from_the_other_list_where_one_was_also_bought_by_force(
    clock: ManualClock, cache: EntityCache
) -> None:
    cache.keep(answered(endpoints.STORIES, "1", [story(clock, "11")]))
    cache.keep(answered(endpoints.STORIES, "1", [story(clock, "11")], forced=True))
    assert isinstance(view(cache).fact(FactKind.ITEM, ItemId("11")), Item)


def test_a_name_whose_stories_are_another_user_s_is_not_remembered(clock: ManualClock, cache: EntityCache) -> None:
    told = [story(clock, "11") | {"user": {"pk": "1", "username": "anna"}}]
    outcome = replace(
        answered(endpoints.STORIES_BY_USERNAME, "ann", told), problem=Renamed("renamed", id="1", username="anna")
    )
    cache.keep(outcome)
    assert isinstance(view(cache).fact(FactKind.IDENTITY, Username("ann")), Renamed)
    clock.advance(5)
    assert view(cache).fact(FactKind.IDENTITY, Username("ann")) is None


def test_a_response_made_of_an_answer_from_before_a_write_is_not_kept_with_a_newer_one(
    clock: ManualClock, cache: EntityCache
) -> None:
    begun = cache.version
    late = answered(endpoints.STORIES_BY_USERNAME, "ann", [story(clock, "11")])
    cache.forget(ANN, "ann")
    cache.keep(answered(endpoints.STORIES_BY_USERNAME, "ann", [story(clock, "12")]), begun=cache.version)
    cache.keep(late, begun=begun)
    fetcher = view(cache)
    fetcher.note(late)
    assert fetcher.provenance() is None
    assert [each.pk for each in view(cache).fact(FactKind.STORIES, ANN)] == ["12"]


def test_a_user_whom_one_list_says_not_to_exist_has_no_other_list(cache: EntityCache) -> None:
    cache.keep(failed(endpoints.TRAY, "1", NotFound("Nobody.")))
    assert isinstance(view(cache).fact(FactKind.STORIES, ANN), NotFound)
    assert isinstance(view(cache).fact(FactKind.PROFILE, ANN), NotFound)


def test_a_list_that_is_none_of_the_absences_looked_for_is_not_counted_as_used(
    clock: ManualClock, cache: EntityCache
) -> None:
    cache.keep(answered(endpoints.STORIES, "1", [story(clock, "11")]))
    fetcher = view(cache)
    assert fetcher.fact(FactKind.PROFILE, ANN) is None
    assert fetcher.fact(FactKind.TRAY, ANN) is None
    assert not fetcher.recalls
    assert fetcher.provenance() == Dependencies.of([])
