"""Which calls are bought: the corners that the oracle's random cases found, one by one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce
from operator import or_

import pytest

from gateway.billing.prices import Prices, Purchase
from gateway.domain.ids import EntityId, HighlightId, ItemId, ListPlace, Subject, UserId, Username
from gateway.domain.media import MediaId
from gateway.planner.plan import plan
from gateway.planner.requirements import Requirement
from gateway.planner.resolved_data import EmptyDataSource, OperationData
from gateway.reads.endpoints import Call, Endpoint
from gateway.reads.facts import FactKind
from gateway.upstream.hikerapi import endpoints, list_endpoints
from gateway.upstream.hikerapi.endpoints import ENDPOINTS
from tests.fakes.clock import ManualClock
from tests.fakes.paging import PAGING
from tests.planner.cases import Case
from tests.planner.gateways import Shops, selections
from tests.planner.listings import Paged, pages
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
from tests.planner.slices import Mark, Slice
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


OF_USER = reduce(
    or_,
    (
        FactKind.IDENTITY,
        FactKind.SUMMARY,
        FactKind.PROFILE,
        FactKind.TRAY,
        FactKind.STORIES,
        FactKind.ACCOUNT_HISTORY,
        FactKind.POSTS,
        FactKind.REELS,
        FactKind.PINNED_POSTS,
        FactKind.TAGGED_POSTS,
        FactKind.FOLLOWERS,
        FactKind.FOLLOWING,
    ),
)
ABOUT: dict[type, FactKind] = {
    UserId: OF_USER,
    Username: OF_USER,
    HighlightId: FactKind.TRAY_ENTRY | FactKind.HIGHLIGHT,
    ItemId: FactKind.ITEM,
    MediaId: FactKind.MEDIA | FactKind.COMMENT_COUNT | FactKind.COMMENTS | FactKind.LIKERS,
}


def planned(subject: Subject, want: FactKind) -> tuple[Purchase, ...]:
    facts = OperationData(EmptyDataSource(), PAGING)
    return plan({subject: Requirement(subject, want, "")}, facts, Prices(ENDPOINTS, ManualClock()), forced=False)


@pytest.mark.parametrize(
    "subject", [UserId("1"), Username("ann"), HighlightId("100"), ItemId("1000"), MediaId("70")], ids=str
)
def test_what_no_call_answers_is_a_bug_before_anything_is_bought(subject: Subject) -> None:
    """A profile must not be bought for whatever else may be wanted of a user."""
    for want in FactKind:
        if want in ABOUT[type(subject)]:
            assert len(planned(subject, want)) == 1
        else:
            with pytest.raises(AssertionError, match="no call answers"):
                planned(subject, want)


@pytest.mark.parametrize(
    ("kind", "endpoint", "owner"),
    [
        (FactKind.POSTS, list_endpoints.POSTS, UserId("1")),
        (FactKind.FOLLOWERS, list_endpoints.FOLLOWERS, UserId("1")),
        (FactKind.FOLLOWING, list_endpoints.FOLLOWING, UserId("1")),
        (FactKind.COMMENTS, list_endpoints.COMMENTS, MediaId("1")),
    ],
    ids=lambda value: value.label if isinstance(value, Endpoint) else "",
)
def test_a_page_is_bought_by_its_cursor_and_the_first_one_without(
    kind: FactKind, endpoint: Endpoint, owner: EntityId
) -> None:
    (first,), (later,) = planned(owner, kind), planned(ListPlace(owner, "c"), kind)
    assert (first.call, later.call) == (Call(endpoint, "1"), Call(endpoint, "1", cursor="c"))


# -- lists that the upstream pages

BIO = Users(frozenset({"biography"}))
FOLLOWED = World(
    (
        Account("10", "ann", Kind.PUBLIC, (), followers=pages((1, 2), (2, 3))),
        *(Account(str(pk), f"user{pk}", Kind.PUBLIC, ()) for pk in (11, 12, 13)),
        Account("14", "gone", Kind.MISSING, ()),
    )
)
AFTER_ONE = Mark(Paged.FOLLOWERS, "10", offset=1, recent=("11",))


def followers(
    first: int | None = None, after: Mark | None = None, *, below: Users = BIO, total: bool = False
) -> Slice[Users]:
    return Slice(Paged.FOLLOWERS, below, first, after, total)


def of(by: By, key: str, *slices: Slice[Users], fields: Sequence[str] = ()) -> Operation:
    return Operation((UserRoot(((by, key),), Users(frozenset(fields), people=slices)),))


def priced(shops: Shops, operation: Operation, past: Sequence[Call] = ()) -> tuple[tuple[int, int, int], int]:
    """The bounds and the expected price, and then what is charged."""
    shop = shops.open(Case(FOLLOWED, tuple((call, 0.0) for call in past), operation))
    quote = shop.fetcher(forced=False)
    estimate = quote.pricer.estimate(selections(operation), quote.facts)
    return (estimate.lower, estimate.expected, estimate.upper), shops.buy(shop, operation).bill.charged


@pytest.mark.parametrize(
    ("first", "price", "charged"),
    [(None, (1, 1, 1), 1), (1, (1, 1, 1), 1), (2, (1, 1, 2), 1), (3, (1, 1, 3), 2), (60, (1, 3, 3), 2)],
)
def test_pages_are_priced_by_the_number_of_entries(
    first: int | None, price: tuple[int, int, int], charged: int, shops: Shops
) -> None:
    """At most one page for each entry, and no more than one field may read; a page has 25 followers as a rule."""
    assert priced(shops, of(By.ID, "10", followers(first, below=Users()))) == (price, charged)


def test_the_length_of_a_list_of_a_user_is_in_the_profile(shops: Shops) -> None:
    assert priced(shops, of(By.ID, "10", followers(below=Users(), total=True))) == ((2, 2, 2), 2)
    assert priced(shops, of(By.NAME, "ann", followers(below=Users(), total=True))) == ((1, 2, 2), 2)


def test_a_list_of_people_does_not_name_its_owner(shops: Shops) -> None:
    """So the short fields cost a profile, and the name that waits for it is found in that profile alone."""
    assert priced(shops, of(By.ID, "10", followers(below=Users()), fields=["username"])) == ((2, 2, 2), 2)
    both = (of(by, key, followers(below=Users(), total=True)) for by, key in ((By.ID, "10"), (By.NAME, "ann")))
    assert priced(shops, Operation(tuple(root for one in both for root in one.roots))) == ((2, 4, 4), 2)


def test_slices_that_begin_at_different_places_of_one_page_have_different_entries(shops: Shops) -> None:
    operation = of(By.ID, "10", followers(1), followers(1, AFTER_ONE))
    assert priced(shops, operation) == ((1, 3, 3), 3)


def test_slices_that_had_different_entries_before_have_different_ones(shops: Shops) -> None:
    places = (Mark(Paged.FOLLOWERS, "10", "1"), Mark(Paged.FOLLOWERS, "10", "1", recent=("12",)))
    assert priced(shops, of(By.ID, "10", *(followers(1, after) for after in places))) == ((1, 3, 3), 3)


def test_a_slice_after_a_cursor_is_priced_before_the_owners_id_is_known(shops: Shops) -> None:
    assert priced(shops, of(By.NAME, "ann", followers(1, AFTER_ONE))) == ((1, 3, 3), 3)


def test_nothing_is_bought_for_a_slice_after_a_cursor_of_another_list(shops: Shops) -> None:
    assert priced(shops, of(By.ID, "11", followers(1, AFTER_ONE, total=True))) == ((0, 0, 0), 0)


def test_no_page_is_bought_of_who_is_known_not_to_exist(shops: Shops) -> None:
    after = Mark(Paged.FOLLOWERS, "14", "1")
    operation = of(By.ID, "14", followers(1, after))
    assert priced(shops, operation, past=[Call(endpoints.PROFILE, "14")]) == ((0, 0, 0), 0)
