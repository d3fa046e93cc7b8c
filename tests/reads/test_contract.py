"""The contract of a read vendor, over HikerAPI and over one with other rows: the same graph, each at its own prices."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

import pytest
from hypothesis import example, given

from gateway.domain.ids import ListPlace, UserId, Username
from gateway.domain.list_pages import ListPage
from gateway.errors import CursorExpired, GatewayError, InsufficientFunds, NotFound, PrivateAccount, UpstreamUnavailable
from gateway.planner.requirement_collector import open_requirements
from gateway.reads.endpoints import Call
from gateway.reads.facts import ANSWERS, PAGED_LISTS, FactKind, user_of
from tests.fakes.clock import ManualClock
from tests.planner.cases import Case, case_of, cases
from tests.planner.gateways import HIKERAPI, Shop, Shops, Vendor, selections
from tests.planner.list_author import BASE, COUNTS_OF_POSTS
from tests.planner.listings import DEAD_CURSOR, pages
from tests.planner.selections import By, Highlights, Items, Page, UserRoot, Users, with_highlights
from tests.planner.worlds import Account, Kind, Post, Reel, Story, World
from tests.profiles import examples
from tests.reads.toy_upstream import TOY

VENDORS = (HIKERAPI, TOY)
OF_BOTH = (BASE, COUNTS_OF_POSTS)  # the lists that the toy has, too
Market = Mapping[str, Shops]


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    """The shops of each vendor, by its name."""
    with contextlib.ExitStack() as opened:
        yield {
            vendor.name: opened.enter_context(Shops(tmp_path_factory.mktemp(vendor.name), vendor)) for vendor in VENDORS
        }


def of(vendor: Vendor) -> str:
    return vendor.name


every_vendor = pytest.mark.parametrize("vendor", VENDORS, ids=of)


def cold(case: Case) -> Case:
    """The case without a past, which is written in HikerAPI's calls, and without force, which the toy does not have."""
    return Case(case.world, (), replace(case.operation, forced=False))


def bounds(shop: Shop, case: Case) -> tuple[int, int, int]:
    """The price of the first calls, and the least and the most of all."""
    fetcher, roots = shop.fetcher(forced=case.operation.forced), selections(case.operation)
    estimate = fetcher.pricer.estimate(roots, fetcher.facts)
    return fetcher.pricer.least(open_requirements(roots, fetcher.facts), fetcher.facts), estimate.lower, estimate.upper


def charged_within_bounds(shops: Shops, shop: Shop, case: Case) -> int:
    least, lower, upper = bounds(shop, case)
    assert shop.upstream.asked == []
    bought = shops.buy(shop, case.operation)
    charged = bought.bill.charged
    assert least <= lower <= charged == shop.upstream.billed <= upper
    shops.settle(shop, case.operation, bought)
    assert bounds(shop, case) == (0, 0, 0)
    return charged


def past_at(vendor: Vendor, history: Iterable[tuple[Call, float]]) -> Iterator[tuple[Call, float]]:
    """The calls of a history that is written in HikerAPI's, as far as the vendor has them."""
    for call, pause in history:
        row = vendor.endpoints.find(call.endpoint.answers, call.endpoint.by)
        if row is not None:
            yield Call(row, call.key, call.forced and row.forced_price is not None, call.cursor), pause


# -- generated operations

STORY = Story("1090_10", is_video=False, mentions=(), sponsors=())
# Two roots select one user's highlights: one as they are, the other with items, as those of the author of a story.
HIGHLIGHTS_OF_AN_AUTHOR = case_of(
    UserRoot(((By.NAME, "user0"),), with_highlights()),
    UserRoot(
        ((By.NAME, "user0"),), Users(stories=Items(frozenset({"code"}), author=with_highlights("missingItemIds")))
    ),
    accounts=(Account("10", "user0", Kind.PUBLIC, (Reel("100", (STORY,)),), live=(STORY,)),),
)
# No highlight is shown, so that what their authors' lists would cost is not to be had.
NONE_OF_THEM = (Page(first=0), Highlights(items=((Page(), Items(author=with_highlights("missingItemIds"))),)))
NO_HIGHLIGHTS = case_of(
    UserRoot(((By.NAME, "user0"),), Users(frozenset({"id"}), trays=(NONE_OF_THEM,))),
    accounts=(Account("10", "user0", Kind.PUBLIC, reels=(), live=()),),
)
# One root selects a user's highlights as they are. The other comes to that user by a story that was bought before, but
# is seen after another list of its author, and selects more of the highlights.
HIGHLIGHTS_OF_A_MENTIONED_USER = case_of(
    UserRoot(((By.ID, "11"),), with_highlights()),
    UserRoot(
        ((By.ID, "10"),),
        with_highlights(owner=Users(stories=Items(mentioned=with_highlights("missingItemIds")))),
    ),
    accounts=(
        Account("10", "user0", Kind.PUBLIC, (Reel("100", (STORY,)),), live=(replace(STORY, mentions=(1,)),)),
        Account("11", "user1", Kind.PUBLIC, (Reel("110", (replace(STORY, id="1100_11"),)),), live=()),
    ),
    history=((Call(HIKERAPI.endpoints.answering(FactKind.STORIES, UserId), "10"), 0.0),),
)


@pytest.mark.no_cover  # its many examples take twice as long under coverage
@examples(1_500)
@given(case=cases(themes=OF_BOTH))
def test_every_vendor_gives_the_same_data_and_errors(case: Case, services: Market) -> None:
    answers = [shops.answer(cold(case)) for shops in services.values()]
    assert answers[0] == answers[1]


@every_vendor
@pytest.mark.no_cover  # its many examples take twice as long under coverage
@examples(1_500)
@example(case=HIGHLIGHTS_OF_AN_AUTHOR)
@example(case=NO_HIGHLIGHTS)
@given(case=cases(themes=OF_BOTH))
def test_what_is_charged_lies_within_the_bounds_and_is_charged_once(
    case: Case, services: Market, vendor: Vendor
) -> None:
    """An operation that may force is priced and bought without force where the vendor cannot."""
    case = Case(case.world, (), case.operation)
    shops = services[vendor.name]
    shop = shops.open(case)
    charged = charged_within_bounds(shops, shop, case)
    again = shops.buy(shop, case.operation)
    assert (again.bill.charged, again.saved_by_cache()) == (0, charged)


@every_vendor
@pytest.mark.no_cover  # its many examples take twice as long under coverage
@examples(1_500)
@example(case=HIGHLIGHTS_OF_A_MENTIONED_USER)
@given(case=cases(themes=OF_BOTH))
def test_what_is_charged_after_other_operations_lies_within_the_bounds(
    case: Case, services: Market, vendor: Vendor
) -> None:
    case = Case(case.world, tuple(past_at(vendor, case.history)), case.operation)
    shops = services[vendor.name]
    shop = shops.open(case)
    charged_within_bounds(shops, shop, case)
    assert shops.buy(shop, case.operation).bill.charged == 0


# -- rows


@every_vendor
def test_every_fact_is_answered_by_id(vendor: Vendor) -> None:
    """The toy vendor has what the worlds of these tests have."""
    for kind in ANSWERS if vendor is HIKERAPI else KEYS:
        endpoint = vendor.endpoints.answering(kind, ANSWERS[kind].subject)
        assert (endpoint.answers, endpoint.by, endpoint.by_id) == (kind, ANSWERS[kind].subject, None)


@every_vendor
def test_a_profile_is_answered_by_name(vendor: Vendor) -> None:
    """By it an id is found out; any other fact may be asked for by id then."""
    assert vendor.endpoints.answering(FactKind.PROFILE, Username).by_name


@every_vendor
def test_an_endpoint_by_name_leads_to_the_one_by_id(vendor: Vendor) -> None:
    for endpoint in vendor.endpoints:
        if endpoint.by_name:
            assert endpoint.by_id is vendor.endpoints.answering(endpoint.answers, ANSWERS[endpoint.answers].subject)
            assert endpoint.by_id.embeds == endpoint.embeds
        else:
            assert endpoint.by is ANSWERS[endpoint.answers].subject
            assert endpoint.by_id is None


@every_vendor
def test_rows_have_prices_and_labels_of_their_own(vendor: Vendor) -> None:
    rows = list(vendor.endpoints)
    assert all(row.price > 0 and (row.forced_price is None or row.forced_price > 0) for row in rows)
    assert len({row.label for row in rows}) == len({(row.answers, row.by) for row in rows}) == len(rows)


@every_vendor
def test_an_answer_does_not_embed_itself(vendor: Vendor) -> None:
    assert not any(row.answers & row.embeds for row in vendor.endpoints)


@every_vendor
def test_a_list_that_the_upstream_pages_states_how_long_a_page_is(vendor: Vendor) -> None:
    for row in vendor.endpoints:
        assert (row.page_size > 0) == (row.answers in PAGED_LISTS)


# -- the port

STORY = Story("1000_10", True, (1,), (1,))
TWO_PAGES = pages((0, 1), (1,))
ANN = Account(
    "10",
    "ann",
    Kind.PUBLIC,
    (Reel("100", (STORY,)),),
    (STORY,),
    posts=pages((0,), (1,)),
    followers=TWO_PAGES,
    following=TWO_PAGES,
)
SHY = Account("12", "shy", Kind.PRIVATE, (Reel("120", (Story("1200_12", False, (), ()),)),), posts=TWO_PAGES)
WORLD = World(
    (ANN, Account("11", "bob", Kind.PUBLIC, ()), SHY, Account("13", "gone", Kind.MISSING, ())),
    (Post("70", 0, (1,), comments=TWO_PAGES), Post("71", 2, ())),
)
KEYS = {
    FactKind.PROFILE: "10",
    FactKind.TRAY: "10",
    FactKind.STORIES: "10",
    FactKind.HIGHLIGHT: "100",
    FactKind.ITEM: "1000",
    FactKind.MEDIA: "70",
    FactKind.POSTS: "10",
    FactKind.FOLLOWERS: "10",
    FactKind.FOLLOWING: "10",
    FactKind.COMMENTS: "70",
    FactKind.COMMENT_COUNT: "70",
}
LOCKED = {
    FactKind.TRAY: "12",
    FactKind.STORIES: "12",
    FactKind.HIGHLIGHT: "120",
    FactKind.ITEM: "1200",
    FactKind.MEDIA: "71",
    FactKind.POSTS: "12",
    FactKind.FOLLOWERS: "12",
    FactKind.FOLLOWING: "12",
    FactKind.COMMENTS: "71",
}
LISTS = [kind for kind in KEYS if kind in PAGED_LISTS]
every_fact = pytest.mark.parametrize("kind", KEYS)
TWO_TIMES = (500, 500)  # fewer than a call's attempts


@pytest.fixture
def shop(vendor: Vendor, services: Market) -> Shop:
    return Shop(WORLD, services[vendor.name].ledger, ManualClock(), vendor)


def call_of(vendor: Vendor, kind: FactKind, key: str, cursor: str = "") -> Call:
    return Call(vendor.endpoints.answering(kind, ANSWERS[kind].subject), key, cursor=cursor)


@every_vendor
@every_fact
async def test_an_outcome_has_the_answer_its_json_and_its_charge(kind: FactKind, vendor: Vendor, shop: Shop) -> None:
    call = call_of(vendor, kind, KEYS[kind])
    outcome = await shop.services.api.fetch(call)
    assert (outcome.call, outcome.problem, outcome.in_doubt, outcome.attempts) == (call, None, False, 1)
    assert outcome.charged == call.nominal_price == shop.upstream.billed
    assert outcome.value == call.read(outcome.body)
    user = user_of(outcome.answer)
    assert (None if user is None else user.username) == ("ann" if ANSWERS[kind].names_user else None)


@every_vendor
@pytest.mark.parametrize("kind", [kind for kind in KEYS if kind is not FactKind.COMMENT_COUNT])
async def test_an_absence_is_a_value_with_its_charge(kind: FactKind, vendor: Vendor, shop: Shop) -> None:
    call = call_of(vendor, kind, "13" if ANSWERS[kind].subject is UserId else "999")
    outcome = await shop.services.api.fetch(call)
    assert isinstance(outcome.problem, NotFound)
    assert outcome.problem.subject == call.subject
    assert (outcome.value, outcome.body, outcome.in_doubt) == (None, b"", False)
    assert outcome.charged == call.nominal_price == shop.upstream.billed


@every_vendor
@pytest.mark.parametrize("kind", LOCKED)
async def test_a_private_account_is_a_value_with_its_charge(kind: FactKind, vendor: Vendor, shop: Shop) -> None:
    call = call_of(vendor, kind, LOCKED[kind])
    outcome = await shop.services.api.fetch(call)
    assert isinstance(outcome.problem, PrivateAccount)
    assert outcome.charged == call.nominal_price == shop.upstream.billed


@every_vendor
@pytest.mark.parametrize("kind", LISTS)
async def test_a_page_names_the_next_one(kind: FactKind, vendor: Vendor, shop: Shop) -> None:
    """And is about its own place; the last one names none."""
    first = await shop.services.api.fetch(call_of(vendor, kind, KEYS[kind]))
    assert isinstance(first.value, ListPage)
    assert first.value.next is not None
    last = await shop.services.api.fetch(call_of(vendor, kind, KEYS[kind], first.value.next))
    assert isinstance(last.value, ListPage)
    assert (last.value.next, last.problem, last.charged) == (None, None, first.charged)
    assert last.value == last.call.read(last.body) != first.value
    assert last.call.about == ListPlace(ANSWERS[kind].subject(KEYS[kind]), first.value.next)
    assert shop.upstream.billed == 2 * first.call.nominal_price


@every_vendor
@pytest.mark.parametrize("kind", LISTS)
async def test_a_refused_cursor_is_a_value_with_its_charge(kind: FactKind, vendor: Vendor, shop: Shop) -> None:
    call = call_of(vendor, kind, KEYS[kind], DEAD_CURSOR)
    outcome = await shop.services.api.fetch(call)
    assert isinstance(outcome.problem, CursorExpired)
    assert (outcome.value, outcome.body, outcome.in_doubt) == (None, b"", False)
    assert outcome.charged == call.nominal_price == shop.upstream.billed


@every_vendor
async def test_a_page_of_posts_names_its_owner_if_a_post_is_by_that_user(vendor: Vendor, shop: Shop) -> None:
    own, of_another = [
        await shop.services.api.fetch(call_of(vendor, FactKind.POSTS, "10", cursor)) for cursor in ("", "1")
    ]
    assert user_of(own.answer) is not None
    assert user_of(of_another.answer) is None


@every_vendor
@pytest.mark.parametrize(
    ("status", "problem"), [(503, UpstreamUnavailable), (402, InsufficientFunds)], ids=["unavailable", "empty"]
)
async def test_what_the_upstream_cannot_do_is_free(
    status: int, problem: type[GatewayError], vendor: Vendor, shop: Shop
) -> None:
    shop.upstream.troubles = itertools.repeat(status)
    outcome = await shop.services.api.fetch(call_of(vendor, FactKind.PROFILE, "10"))
    assert isinstance(outcome.problem, problem)
    assert (outcome.value, outcome.charged, outcome.in_doubt, shop.upstream.billed) == (None, 0, False, 0)


@every_vendor
async def test_a_call_is_repeated_while_that_is_free(vendor: Vendor, shop: Shop) -> None:
    shop.upstream.troubles = iter(TWO_TIMES)
    outcome = await shop.services.api.fetch(call_of(vendor, FactKind.PROFILE, "10"))
    assert (outcome.problem, outcome.attempts, outcome.charged) == (None, len(TWO_TIMES) + 1, 1)
