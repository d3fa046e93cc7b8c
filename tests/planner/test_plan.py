"""Which calls are bought: the corners that the oracle's random cases found, one by one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from gateway.billing.prices import Prices
from gateway.domain.ids import HighlightId, ItemId, Subject, UserId, Username
from gateway.planner.plan import plan
from gateway.planner.requirements import Requirement
from gateway.planner.resolved_data import EmptyDataSource, OperationData
from gateway.reads.endpoints import Call
from gateway.reads.facts import FactKind
from gateway.upstream.hikerapi import endpoints
from gateway.upstream.hikerapi.endpoints import ENDPOINTS
from tests.fakes.clock import ManualClock
from tests.planner.cases import Case
from tests.planner.gateways import Shops, selections
from tests.planner.selections import (
    By,
    HighlightRoot,
    Highlights,
    Items,
    Operation,
    Page,
    References,
    Root,
    UserRoot,
    Users,
)
from tests.planner.worlds import Account, Kind, Reel, Story, World

ALL = Page()
WORLD = World(
    (
        Account(
            "10",
            "ann",
            Kind.PUBLIC,
            (
                Reel("100", (Story("1000_10", False, (1,), ()), Story("1001_10", True, (1,), ()))),
                Reel("101", (Story("1010_10", False, (), ()),)),
            ),
        ),
        Account("11", "bob", Kind.PUBLIC, ()),
    )
)
LONG_AGO = 5_000.0  # seconds: trays, profiles and highlights are forgotten; names, owners and shelves are not
TITLE = Highlights(frozenset({"title"}))


@pytest.fixture(scope="module")
def shops(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shops]:
    with Shops(tmp_path_factory.mktemp("ledger")) as shops:
        yield shops


def bought(shops: Shops, *roots: Root, after: Sequence[tuple[Call, float]] = ()) -> list[Call]:
    shop, _ = shops.prepared(Case(WORLD, tuple(after), Operation(roots)))
    return shop.upstream.asked


def bounds(shops: Shops, *roots: Root) -> tuple[int, int, int]:
    shop = shops.open(Case(WORLD, (), Operation(roots)))
    quote = shop.fetcher(forced=False)
    estimate = quote.pricer.estimate(selections(Operation(roots)), quote.facts)
    return estimate.lower, estimate.expected, estimate.upper


def items(*pks: str) -> References:
    keys = tuple(("Item", pk) for pk in pks)
    return References(keys, Users(), Highlights(), Items(frozenset({"code"})))


def highlight(pk: str, below: Highlights) -> HighlightRoot:
    return HighlightRoot(((By.ID, pk),), below)


def user(by: By, key: str, *fields: str, tray: Highlights | None = None) -> UserRoot:
    return UserRoot(((by, key),), Users(frozenset(fields), ((ALL, tray),) if tray else ()))


def test_an_item_is_read_off_its_highlight(shops: Shops) -> None:
    whole = highlight("100", Highlights(frozenset({"missingItemIds"})))
    assert bought(shops, items("1000", "1001"), whole) == [Call(endpoints.HIGHLIGHT, "100")]


def test_an_item_is_remembered_with_its_highlight(shops: Shops) -> None:
    assert bought(shops, items("1000"), after=[(Call(endpoints.HIGHLIGHT, "100"), 0.0)]) == []


def test_several_items_of_a_remembered_highlight_are_bought_with_it(shops: Shops) -> None:
    past = [(Call(endpoints.HIGHLIGHT, "100"), LONG_AGO)]
    assert bought(shops, items("1000", "1001"), after=past) == [Call(endpoints.HIGHLIGHT, "100")]
    assert bought(shops, items("1000"), after=past) == [Call(endpoints.ITEM, "1000")]


def test_the_tray_of_a_remembered_owner_shows_the_highlight_as_well(shops: Shops) -> None:
    """Of the highlight's owner the tray is wanted anyway."""
    owners = Highlights(frozenset({"title"}), owner=Users(trays=((ALL, TITLE),)))
    past = [(Call(endpoints.HIGHLIGHT, "100"), LONG_AGO)]
    assert bought(shops, highlight("100", owners), after=past) == [Call(endpoints.TRAY, "10")]
    assert bought(shops, highlight("100", owners)) == [Call(endpoints.HIGHLIGHT, "100"), Call(endpoints.TRAY, "10")]


def test_a_user_by_id_and_by_name_is_bought_by_id(shops: Shops) -> None:
    both = user(By.ID, "10", tray=TITLE), user(By.NAME, "ann", "username", tray=TITLE)
    assert bought(shops, *both) == [Call(endpoints.TRAY, "10")]


def test_nobody_of_a_name_is_the_least_that_a_profile_and_a_tray_can_cost(shops: Shops) -> None:
    assert bounds(shops, user(By.NAME, "ann", "biography", tray=TITLE)) == (1, 3, 3)


def test_an_empty_tray_is_the_most_that_short_fields_can_cost(shops: Shops) -> None:
    """The tray of somebody without highlights shows no owner."""
    assert bounds(shops, user(By.ID, "10", "username", tray=TITLE)) == (2, 2, 3)
    assert bounds(shops, user(By.NAME, "ann", "username", tray=TITLE)) == (3, 3, 4)


def test_a_name_waits_for_luck_in_the_lower_bound_too(shops: Shops) -> None:
    """Another name's profile tells nothing about the account asked for by id, so its tray may still tell this name."""
    roots = user(By.NAME, "bob", "biography"), user(By.NAME, "ann", tray=TITLE), user(By.ID, "10", tray=TITLE)
    assert bounds(shops, *roots)[0] == 3
    assert sum(call.nominal_price for call in bought(shops, *roots)) == 3


@pytest.mark.parametrize("kind", ["PHOTO", "VIDEO"])
def test_items_of_one_kind_are_as_dear_as_all(kind: str, shops: Shops) -> None:
    """In the upper bound each item mentions twenty people."""
    mentioned = Items(mentioned=Users(frozenset({"biography"})))
    _, _, all_kinds = bounds(shops, highlight("100", Highlights(items=((ALL, mentioned),))))
    _, _, one_kind = bounds(shops, highlight("100", Highlights(items=((Page(kind=kind), mentioned),))))
    assert one_kind == all_kinds == 1 + 100 * 20


def test_pages_after_different_cursors_hold_different_highlights(shops: Shops) -> None:
    whole = Highlights(frozenset({"missingItemIds"}))
    pages = tuple((Page(first=1, after=after), whole) for after in (None, "highlight:100"))
    assert bounds(shops, UserRoot(((By.ID, "10"),), Users(trays=pages))) == (2, 4, 4)


def test_a_longer_page_deeper_in_the_operation_is_in_the_upper_bound(shops: Shops) -> None:
    deeper = Users(trays=((Page(first=5), Highlights(frozenset({"missingItemIds"}))),))
    first = Highlights(frozenset({"missingItemIds"}), owner=deeper)
    _, _, upper = bounds(shops, UserRoot(((By.ID, "10"),), Users(trays=((Page(first=1), first),))))
    assert upper >= 2 + 5


@pytest.mark.parametrize("subject", [UserId("1"), Username("ann"), HighlightId("100"), ItemId("1000")], ids=str)
def test_what_no_call_answers_is_a_bug_before_anything_is_bought(subject: Subject) -> None:
    """A profile must not be bought for whatever else may be wanted of a user."""
    about: dict[type, FactKind] = {
        UserId: FactKind.IDENTITY | FactKind.SUMMARY | FactKind.PROFILE | FactKind.TRAY | FactKind.STORIES,
        Username: FactKind.IDENTITY | FactKind.SUMMARY | FactKind.PROFILE | FactKind.TRAY | FactKind.STORIES,
        HighlightId: FactKind.TRAY_ENTRY | FactKind.HIGHLIGHT,
        ItemId: FactKind.ITEM,
    }
    for want in FactKind:
        questions = {subject: Requirement(subject, want, "")}
        prices = Prices(ENDPOINTS, ManualClock())
        if want in about[type(subject)]:
            assert len(plan(questions, OperationData(EmptyDataSource()), prices, forced=False)) == 1
        else:
            with pytest.raises(AssertionError, match="no call answers"):
                plan(questions, OperationData(EmptyDataSource()), prices, forced=False)
