"""Which calls each vendor sells for an operation, and at what price: where a tray embeds items, one call has all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from gateway.domain.ids import HighlightId, UserId
from gateway.domain.models import Highlight, LoadedHighlight
from gateway.errors import PrivateAccount, UpstreamUnavailable
from gateway.planner.fetcher import Fetcher
from gateway.planner.requirements import Requirement
from gateway.reads.endpoints import Call
from gateway.reads.facts import ANSWERS, FactKind
from tests.planner.cases import Case
from tests.planner.gateways import HIKERAPI, Shop, Shops, Vendor, selections
from tests.planner.listings import Paged, pages
from tests.planner.selections import (
    By,
    Comments,
    HighlightRoot,
    Highlights,
    Items,
    Operation,
    Page,
    Posts,
    References,
    Root,
    UserRoot,
    Users,
)
from tests.planner.slices import Mark, Slice
from tests.planner.worlds import Account, Kind, Post, Reel, Story, World
from tests.reads.toy_upstream import TOY
from tests.reads.toy_vendor import COLLECTION, COLLECTIONS

WORLD = World(
    (
        Account(
            "10",
            "ann",
            Kind.PUBLIC,
            (
                Reel("100", (Story("1000_10", False, (1,), ()), Story("1001_10", True, (), ()))),
                Reel("101", (Story("1010_10", False, (), ()),)),
                Reel("102", (Story("1020_10", False, (), ()),)),
            ),
            posts=pages((0,)),
            followers=pages((1, 2), (3,)),
        ),
        Account("11", "bob", Kind.PUBLIC, ()),
        Account("12", "shy", Kind.PRIVATE, (Reel("120", ()),)),
        Account("13", "eve", Kind.PUBLIC, ()),
    ),
    (Post("70", 0, (), comments=pages((0,), (1,))),),
)
# Seconds after which a tray is forgotten and a highlight is not; and both, but not whose it is.
PAST_TRAYS, LONG_AGO = 700.0, 5_000.0
ALL = Page()
TITLE = Highlights(frozenset({"title"}))
ITEMS = Highlights(items=((ALL, Items(frozenset({"code"}))),))
THREE_FOLLOWERS = Slice(Paged.FOLLOWERS, Users(frozenset({"username"})), first=3)
PAGE_TWO = Mark(Paged.FOLLOWERS, "10", "1", recent=("11", "12"))
PLAYS_AND_COMMENTS = Posts(frozenset({"playCount"}), comments=(Slice(Paged.COMMENTS, Comments(), first=2),))


def user(by: By, key: str, tray: Highlights) -> UserRoot:
    return UserRoot(((by, key),), Users(frozenset({"username"}), ((ALL, tray),)))


def highlights(below: Highlights, *pks: str) -> HighlightRoot:
    return HighlightRoot(tuple((By.ID, pk) for pk in pks), below)


def items(*pks: str) -> References:
    return References(tuple(("Item", pk) for pk in pks), Users(), Highlights(), Items(frozenset({"code"})))


@dataclass(frozen=True)
class Row:
    """An operation, and what each vendor sells for it: calls as label and key, and their price.

    `past` are facts that were bought before, each with the seconds since.
    """

    roots: tuple[Root, ...]
    hikerapi: tuple[str, int]
    toy: tuple[str, int]
    past: tuple[tuple[FactKind, str, float], ...] = ()

    def sold(self, vendor: Vendor) -> tuple[str, int]:
        return self.hikerapi if vendor is HIKERAPI else self.toy


SEEN = tuple((FactKind.HIGHLIGHT, pk, LONG_AGO if pk == "102" else 0.0) for pk in ("100", "101", "102"))
TRAY_SEEN = ((FactKind.TRAY, "10", 0.0),)
ROWS = {
    "a tray": Row(
        (user(By.ID, "10", TITLE),),
        ("tray 10", 2),
        ("collections 10", 4),
    ),
    "a tray with the items of its highlights": Row(
        (user(By.ID, "10", ITEMS),),
        ("tray 10, highlight 100, highlight 101, highlight 102", 5),
        ("collections 10", 4),
    ),
    "a tray with items by name": Row(
        (user(By.NAME, "ann", ITEMS),),
        ("tray_by_username ann, highlight 100, highlight 101, highlight 102", 6),
        ("person_by_handle ann, collections 10", 5),
    ),
    "an empty tray": Row(
        (user(By.ID, "11", ITEMS),),
        ("tray 11, profile 11", 3),
        ("collections 11, person 11", 5),
    ),
    "a highlight": Row(
        (highlights(ITEMS, "100"),),
        ("highlight 100", 1),
        ("collection 100", 2),
    ),
    "a highlight whose owner's tray is bought": Row(
        (highlights(ITEMS, "100"), user(By.ID, "10", TITLE)),
        ("highlight 100, tray 10", 3),
        ("collections 10", 4),
    ),
    "a highlight whose owner's tray is bought by name": Row(
        (highlights(ITEMS, "100"), user(By.NAME, "ann", TITLE)),
        ("highlight 100, tray 10", 3),
        ("person_by_handle ann, collections 10", 5),
    ),
    "highlights of a user who may not exist": Row(
        (
            UserRoot(((By.NAME, "ann"),), Users(frozenset({"biography"}), ((ALL, TITLE),))),
            highlights(TITLE, "100", "101", "102"),
        ),
        ("profile_by_username ann, tray 10", 3),
        ("person_by_handle ann, collections 10", 5),
    ),
    "an item whose author's tray is bought": Row(
        (items("1000"), user(By.ID, "10", TITLE)),
        ("item 1000, tray 10", 3),
        ("collections 10", 4),
    ),
    "an item of a known highlight whose owner's tray is bought": Row(
        (items("1000"), user(By.ID, "10", TITLE)),
        ("item 1000, tray 10", 3),
        ("collections 10", 4),
        past=SEEN,
    ),
    "a highlight of a cached tray": Row(
        (highlights(ITEMS, "100"),),
        ("highlight 100", 1),
        ("", 0),
        past=TRAY_SEEN,
    ),
    "a highlight's title from a cached tray": Row(
        (highlights(TITLE, "100"),),
        ("", 0),
        ("", 0),
        past=TRAY_SEEN,
    ),
    "an item of a cached tray": Row(
        (items("1000", "1010"),),
        ("item 1000, item 1010", 2),
        ("", 0),
        past=TRAY_SEEN,
    ),
    "a highlight of an expired tray": Row(
        (highlights(ITEMS, "100"),),
        ("highlight 100", 1),
        ("collection 100", 2),
        past=((FactKind.TRAY, "10", PAST_TRAYS),),
    ),
    "as many highlights of one owner as cost no more than the tray": Row(
        (highlights(ITEMS, "100", "101"),),
        ("highlight 100, highlight 101", 2),
        ("collection 100, collection 101", 4),
        past=SEEN,
    ),
    "more highlights of one owner than the tray costs": Row(
        (highlights(ITEMS, "100", "101", "102"),),
        ("highlight 100, highlight 101, highlight 102", 3),
        ("collections 10", 4),
        past=SEEN,
    ),
    "as many pages of a list as it takes": Row(
        (UserRoot(((By.ID, "10"),), Users(people=(THREE_FOLLOWERS,))),),
        ("followers 10, followers 10 1", 2),
        ("fans 10, fans 10 1", 2),
    ),
    "pages of a list by name": Row(
        (UserRoot(((By.NAME, "ann"),), Users(frozenset({"username"}), people=(THREE_FOLLOWERS,))),),
        ("profile_by_username ann, followers 10, followers 10 1", 3),
        ("person_by_handle ann, fans 10, fans 10 1", 3),
    ),
    "a list after its first page, and its length": Row(
        (UserRoot(((By.ID, "10"),), Users(people=(replace(THREE_FOLLOWERS, after=PAGE_TWO, total=True),))),),
        ("profile 10, followers 10 1", 2),
        ("person 10, fans 10 1", 2),
    ),
    "the rest of a page that is cached": Row(
        (UserRoot(((By.ID, "10"),), Users(people=(replace(THREE_FOLLOWERS, first=2),))),),
        ("", 0),
        ("", 0),
        past=((FactKind.FOLLOWERS, "10", 0.0),),
    ),
    "comments on the posts of a list, and what the list does not tell": Row(
        (UserRoot(((By.ID, "10"),), Users(posts=(Slice(Paged.POSTS, PLAYS_AND_COMMENTS),))),),
        ("posts 10, media 70, comments 70, comments 70 1", 4),
        ("wall 10, post 70, remarks 70, remarks 70 1", 9),
    ),
    "the titles of as many highlights": Row(
        (highlights(TITLE, "100", "101", "102"),),
        ("tray 10", 2),
        ("collections 10", 4),
        past=SEEN,
    ),
}
every_vendor = pytest.mark.parametrize("vendor", [HIKERAPI, TOY], ids=lambda vendor: vendor.name)


@pytest.fixture
def shops(vendor: Vendor, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shops]:
    with Shops(tmp_path_factory.mktemp("ledger"), vendor) as shops:
        yield shops


def past_of(row: Row, vendor: Vendor) -> Iterator[tuple[Call, float]]:
    for kind, key, pause in row.past:
        yield Call(vendor.endpoints.answering(kind, ANSWERS[kind].subject), key), pause


def sold(shop: Shop) -> str:
    return ", ".join(f"{call.endpoint.label} {call.key} {call.cursor}".rstrip() for call in shop.upstream.asked)


@every_vendor
@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_a_vendor_sells_an_operation_in_its_own_calls(row: Row, vendor: Vendor, shops: Shops) -> None:
    operation = Operation(row.roots)
    shop = shops.open(Case(WORLD, tuple(past_of(row, vendor)), operation))
    quote = shop.fetcher(forced=False)
    estimate = quote.pricer.estimate(selections(operation), quote.facts)
    bought = shops.buy(shop, operation)
    assert (sold(shop), bought.bill.charged) == row.sold(vendor)
    assert estimate.lower <= bought.bill.charged <= estimate.upper
    shop.upstream.asked.clear()
    assert (shops.buy(shop, operation).bill.charged, sold(shop)) == (0, "")


@pytest.mark.parametrize("vendor", [TOY], ids=["toy"])
def test_an_operation_that_may_force_is_refused_once_where_nothing_can_be_forced(vendor: Vendor, shops: Shops) -> None:
    operation = Operation((user(By.ID, "12", ITEMS),), forced=True)
    shop = shops.open(Case(WORLD, (), operation))
    first, again = shops.buy(shop, operation), shops.buy(shop, operation)
    assert (first.bill.charged, again.bill.charged) == (5, 0)  # with the profile, for the name
    assert shop.upstream.asked[0] == Call(COLLECTIONS, "12")
    assert isinstance(again.facts.fact(FactKind.TRAY, UserId("12")), PrivateAccount)


@pytest.mark.parametrize("vendor", [TOY], ids=["toy"])
def test_a_highlight_is_not_served_from_a_tray_that_a_write_has_changed(vendor: Vendor, shops: Shops) -> None:
    operation = Operation((highlights(ITEMS, "100"),))
    shop = shops.open(Case(WORLD, ((Call(COLLECTIONS, "10"), 0.0),), operation))
    shop.services.memory.forget(UserId("10"), "ann", HighlightId("100"))
    shops.buy(shop, operation)
    assert shop.upstream.asked == [Call(COLLECTION, "100")]


@pytest.mark.parametrize("vendor", [TOY], ids=["toy"])
def test_the_expected_price_of_a_tray_with_its_items_is_that_of_the_tray(vendor: Vendor, shops: Shops) -> None:
    """A second page, too, is of the same answer."""
    pages = UserRoot(((By.ID, "10"),), Users(frozenset(), ((Page(1), ITEMS), (Page(1, "highlight:100"), ITEMS))))
    shop = shops.open(Case(WORLD, (), Operation((pages,))))
    quote = shop.fetcher(forced=False)
    estimate = quote.pricer.estimate(selections(Operation((pages,))), quote.facts)
    assert (estimate.lower, estimate.expected, estimate.upper) == (4, 4, 4)


@pytest.mark.parametrize("vendor", [TOY], ids=["toy"])
def test_a_highlight_that_is_bought_anew_is_not_served_from_its_tray(vendor: Vendor, shops: Shops) -> None:
    shop = shops.open(Case(WORLD, ((Call(COLLECTIONS, "10"), 0.0),), Operation((highlights(ITEMS, "100"),))))
    own = Call(COLLECTION, "100")
    fetcher = Fetcher(shop.services, shop.fetcher(forced=False).budget, forced=False, anew=frozenset({own}))
    shops.run(fetcher.answer([Requirement(own.about, FactKind.HIGHLIGHT, path="")]))
    assert shop.upstream.asked == [own]


@pytest.mark.parametrize("vendor", [TOY], ids=["toy"])
def test_a_highlight_that_could_not_be_had_is_still_listed_by_its_tray(vendor: Vendor, shops: Shops) -> None:
    shop = shops.open(Case(WORLD, (), Operation((highlights(ITEMS, "100"),))))
    facts, problem = shop.fetcher(forced=False).facts, UpstreamUnavailable("The upstream failed to answer.")
    facts.tell(Call(COLLECTION, "100"), problem)
    outcome = shops.run(shop.services.api.fetch(Call(COLLECTIONS, "10")))
    facts.tell(outcome.call, outcome.answer)
    listed = facts.fact(FactKind.TRAY_ENTRY, HighlightId("100"))
    assert isinstance(listed, Highlight)
    assert listed.title == "100"
    assert facts.fact(FactKind.HIGHLIGHT, HighlightId("100")) is problem
    assert isinstance(facts.fact(FactKind.HIGHLIGHT, HighlightId("101")), LoadedHighlight)
