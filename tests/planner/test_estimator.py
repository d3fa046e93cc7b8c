"""The price that is told is the price that is charged."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import pytest
from hypothesis import assume, example, given

from gateway.planner.plan import plan
from gateway.planner.requirement_collector import open_requirements
from tests.planner.cases import Case, case_of, cases
from tests.planner.gateways import Shop, Shops, met_a_dead_cursor, selections
from tests.planner.listings import Paged, pages
from tests.planner.selections import By, Items, Posts, SearchRoot, Tags, UserRoot, Users
from tests.planner.slices import Slice
from tests.planner.worlds import Account, Kind, Place, Story
from tests.profiles import examples

TWO_TAGS = tuple(Place(f"tag{at}", more={Paged.RECENT_OF_TAG: pages((), ())}) for at in range(2))
MEDIA_COUNTS = Tags(frozenset({"mediaCount"}))
# What the stickers of stories lead to.
NAMED_BY_STICKERS = case_of(
    UserRoot(((By.ID, "10"),), Users(stories=Items(frozenset({"code"}), tags=MEDIA_COUNTS))),
    accounts=(Account("10", "user0", Kind.PUBLIC, (), (Story("1090_10", False, (), (), tags=(0, 1)),)),),
    tags=TWO_TAGS,
)
# What the entries of a search lead to.
POSTS_OF_FOUND_HASHTAGS = case_of(
    SearchRoot(Slice(Paged.FOUND_TAGS, Tags(posts=(Slice(Paged.RECENT_OF_TAG, Posts()),)), text="ann")),
    accounts=(),
    tags=TWO_TAGS,
    searches=(Place("ann", more={Paged.FOUND_TAGS: pages((0, 1))}),),
)


@pytest.fixture(scope="module")
def shops(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shops]:
    with Shops(tmp_path_factory.mktemp("ledger")) as shops:
        yield shops


def bounds(shop: Shop, case: Case) -> tuple[int, int, int]:
    quote = shop.fetcher(forced=case.operation.forced)
    estimate = quote.pricer.estimate(selections(case.operation), quote.facts)
    return estimate.lower, estimate.expected, estimate.upper


@pytest.mark.no_cover  # its many examples take twice as long under coverage
@examples(1_500)
@given(case=cases(lists=False))
def test_what_is_charged_lies_within_the_bounds_and_asking_again_is_free(case: Case, shops: Shops) -> None:
    """For every world but one in which an account was renamed since its name was learned."""
    pays_within_the_bounds_and_once(case, shops)


@pytest.mark.no_cover  # its many examples take twice as long under coverage
@examples(1_500)
@example(case=NAMED_BY_STICKERS)
@example(case=POSTS_OF_FOUND_HASHTAGS)
@given(case=cases(lists=True))
def test_what_is_charged_for_pages_lies_within_the_bounds_and_asking_again_is_free(case: Case, shops: Shops) -> None:
    """Where a cursor is refused, the cached pages that lead to it are bought anew, once."""
    pays_within_the_bounds_and_once(case, shops)


def pays_within_the_bounds_and_once(case: Case, shops: Shops) -> None:
    shop = shops.open(case)
    lower, expected, upper = bounds(shop, case)
    assert shop.upstream.asked == []
    assert lower <= expected <= upper
    bought = shops.buy(shop, case.operation)
    assert lower <= bought.bill.charged <= upper
    shops.settle(shop, case.operation, bought)
    assert bounds(shop, case) == (0, 0, 0)
    assert shops.buy(shop, case.operation).bill.charged == 0


@examples(300)
@given(case=cases())
def test_no_world_is_cheaper_than_the_first_calls(case: Case, shops: Shops) -> None:
    """So that whoever cannot pay these is refused for nothing that could have been had."""
    fetcher = shops.open(case).fetcher(forced=case.operation.forced)
    roots = selections(case.operation)
    least = fetcher.pricer.least(open_requirements(roots, fetcher.facts), fetcher.facts)
    estimate = fetcher.pricer.estimate(roots, fetcher.facts)
    assert least <= estimate.lower <= estimate.upper
    assert bool(least) == bool(estimate.lower)


@pytest.mark.no_cover  # its many examples take twice as long under coverage
@examples(500)
@given(case=cases())
def test_the_cache_saves_what_the_first_run_was_charged(case: Case, shops: Shops) -> None:
    cold = Case(case.world, (), case.operation)
    shop, first = shops.prepared(cold)
    again = shops.buy(shop, case.operation)
    assert first.saved_by_cache() == 0
    assert again.bill.charged + again.saved_by_cache() == first.bill.charged
    assert again.bill.charged == 0 or met_a_dead_cursor(first)


@examples(300)
@given(case=cases())
def test_a_plan_is_a_pure_function_of_questions_and_facts(case: Case, shops: Shops) -> None:
    shop = shops.open(case)
    fetcher = shop.fetcher(forced=case.operation.forced)
    asked = open_requirements(selections(case.operation), fetcher.facts)
    before = copy.deepcopy(asked)
    plans = [plan(asked, fetcher.facts, shop.services.prices, forced=case.operation.forced) for _ in range(2)]
    assert plans[0] == plans[1]
    assert asked == before
    assert bool(plans[0]) == bool(asked)
    assert fetcher.facts.answered == set()


@pytest.mark.no_cover  # its many examples take twice as long under coverage
@examples(500)
@given(case=cases())
def test_what_was_asked_before_changes_the_bill_and_not_the_answer(case: Case, shops: Shops) -> None:
    """But that a past answer may have told that there is nobody, where nothing is asked that would tell it again."""
    assume(case.history)
    warm, cold = (shops.answer(Case(case.world, past, case.operation)) for past in (case.history, ()))
    for path, code in warm.errors:
        if (path, code) not in cold.errors and code in ("NOT_FOUND", "PRIVATE_ACCOUNT"):
            cold = cold.without(path, code)
    assert warm == cold
