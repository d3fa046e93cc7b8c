"""Ten times as many keys are at most twelve times the work, whatever is asked for beside what.

For each two ways to ask, over many accounts: of which nothing is known; whose names, highlights and items are
remembered; and of whom all is cached.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import TypeAlias

import pytest

from gateway.errors import BudgetExceeded
from gateway.planner.estimator import MANY as LARGE_STEP
from gateway.planner.fetcher import AT_ONCE
from gateway.planner.plan import plan
from gateway.planner.requirement_collector import open_requirements
from gateway.planner.selection import Selection
from gateway.reads.endpoints import Call
from gateway.scheduling import FairScheduler, Rank
from gateway.upstream.hikerapi import endpoints, list_endpoints
from tests.planner.cases import Case
from tests.planner.gateways import Shop, Shops, selections
from tests.planner.listings import Paged, pages
from tests.planner.selections import By, HighlightRoot, Highlights, Items, Operation, Page, References, UserRoot, Users
from tests.planner.slices import Slice
from tests.planner.worlds import Account, Kind, Reel, Story, World
from tests.profiles import pick, sample, scaled
from tests.work import MOST, calls, growth

FEW, MANY = 3, 30
LONG_AGO = 5_000.0  # seconds: what names, owns and shows whom is remembered, and nothing else
Root: TypeAlias = UserRoot | HighlightRoot | References
Way: TypeAlias = Callable[[int], Root]


def users(by: By, *fields: str, tray: Highlights | None = None) -> Way:
    below = Users(frozenset(fields), ((Page(), tray),) if tray else ())
    return lambda count: UserRoot(tuple((by, (id_ if by is By.ID else name)(at)) for at in range(count)), below)


def highlights(below: Highlights) -> Way:
    return lambda count: HighlightRoot(tuple((By.ID, pk(at)) for at in range(count)), below)


def items(count: int) -> Root:
    keys = tuple(("Item", f"{item(at)}_{id_(at)}") for at in range(count))
    return References(keys, Users(), Highlights(), Items(frozenset({"code"})))


def followers(count: int) -> Root:
    """Of each account so many that several pages may be read."""
    below = Users(people=(Slice(Paged.FOLLOWERS, Users(frozenset({"biography"})), first=2),))
    return UserRoot(tuple((By.ID, id_(at)) for at in range(count)), below)


def id_(at: int) -> str:
    return str(1_000 + at)


def name(at: int) -> str:
    return f"user{at}"


def pk(at: int) -> str:
    return str(2_000_000 + at)


def item(at: int) -> str:
    return str(3_000_000 + at)


TITLE = Highlights(frozenset({"title"}))
WAYS: dict[str, Way] = {
    "trays_by_id": users(By.ID, tray=TITLE),
    "profiles_by_id": users(By.ID, "biography"),
    "names_by_id": users(By.ID, "username"),
    "trays_by_name": users(By.NAME, tray=TITLE),
    "profiles_by_name": users(By.NAME, "biography"),
    "ids_by_name": users(By.NAME, "id"),
    "titles": highlights(TITLE),
    "contents": highlights(Highlights(frozenset({"missingItemIds"}))),
    "owners": highlights(Highlights(owner=Users(frozenset({"biography"}), ((Page(), TITLE),)))),
    "items": items,
    "pages": followers,
}
PAIRS = list(combinations(WAYS, 2))
STATES = ("unknown", "remembered", "cached")
# In which of them each pair is priced as well, which takes ten times as long; where all is cached nothing is left to
# buy. By turns, so that each is tried with each way.
PRICED = [pick(STATES[at % 2 : at % 2 + 1], STATES[:2]) for at in range(len(PAIRS))]
Stock: TypeAlias = dict[tuple[str, int], Shop]


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stock]:
    with Shops(tmp_path_factory.mktemp("ledger")) as shops:
        found: Stock = {}
        for state in STATES:
            found |= {(state, count): shops.open(case(state, count)) for count in (FEW, MANY)}
            if state == "remembered":
                shops.clock.advance(LONG_AGO)
        yield found


def case(state: str, count: int) -> Case:
    accounts = (
        Account(id_(at), name(at), Kind.PUBLIC, (Reel(pk(at), (story(at),)),), followers=pages((at,), (0, 1)))
        for at in range(count)
    )
    past = []
    if state != "unknown":
        past += [(Call(endpoints.TRAY, id_(at)), 0.0) for at in range(count)]
        past += [(Call(endpoints.HIGHLIGHT, pk(at)), 0.0) for at in range(count)]
        past += [(Call(list_endpoints.FOLLOWERS, id_(at)), 0.0) for at in range(count)]
    return Case(World(tuple(accounts)), tuple(past), Operation(()))


def story(at: int) -> Story:
    return Story(f"{item(at)}_{id_(at)}", False, (), ())


def planned(shop: Shop, roots: tuple[Selection, ...]) -> Callable[[], object]:
    fetcher = shop.fetcher(forced=False)
    return lambda: plan(open_requirements(roots, fetcher.facts), fetcher.facts, shop.services.prices, forced=False)


def priced(shop: Shop, roots: tuple[Selection, ...]) -> Callable[[], object]:
    fetcher = shop.fetcher(forced=False)
    return lambda: fetcher.pricer.estimate(roots, fetcher.facts)


def asked(ways: tuple[str, str], count: int) -> tuple[Selection, ...]:
    return selections(Operation(tuple(WAYS[way](count) for way in ways)))


@scaled
@pytest.mark.parametrize(
    ("ways", "priced_in"),
    [pytest.param(*row, id="_and_".join(row[0])) for row in sample(list(zip(PAIRS, PRICED, strict=True)))],
)
def test_ten_times_the_keys_are_ten_times_the_work(
    ways: tuple[str, str], priced_in: tuple[str, ...], stock: Stock
) -> None:
    few, many = asked(ways, FEW), asked(ways, MANY)
    for state in STATES:
        small, large = stock[state, FEW], stock[state, MANY]
        assert growth(planned(small, few), planned(large, many)) <= MOST, state
        if state in priced_in:
            assert growth(priced(small, few), priced(large, many)) <= MOST, state


@pytest.mark.parametrize("ways", sample(PAIRS), ids="_and_".join)
def test_what_cannot_be_paid_is_refused_before_anything_is_imagined(ways: tuple[str, str], stock: Stock) -> None:
    """It is asked once what is open, and once which calls come first."""
    shop, roots = stock["unknown", MANY], asked(ways, MANY)
    poor, other = shop.fetcher(forced=False, ceiling=0), shop.fetcher(forced=False)
    refusals: list[BudgetExceeded] = []

    def prepare() -> None:
        try:
            poor.prepare(roots).send(None)
        except BudgetExceeded as refusal:
            refusals.append(refusal)

    assert calls(prepare) < 1.2 * calls(planned(shop, roots))
    price = refusals[0].extensions["price"]
    assert isinstance(price, int)
    assert 0 < price <= other.pricer.estimate(roots, other.facts).lower


class CountingTime(FairScheduler):
    """Counts how often somebody asks whether it is their turn."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    async def take(self, work: int, rank: Rank) -> None:
        self.asked += 1
        await super().take(work, rank)


@pytest.mark.parametrize(("count", "gives_way"), [(LARGE_STEP, False), (LARGE_STEP + 1, True)])
def test_others_have_a_turn_while_a_large_operation_is_imagined(count: int, gives_way: bool, tmp_path: Path) -> None:
    """To pay for it, and to tell what it would have cost with an empty cache. Small ones do not wait in vain."""
    with Shops(tmp_path) as shops:
        time = CountingTime()
        shop, roots = (
            Shop(World(()), shops.ledger, shops.clock),
            selections(Operation((WAYS["profiles_by_id"](count),))),
        )
        shop.services = replace(shop.services, scheduler=time)
        for bought in (True, False):
            time.asked = -2 * (-(-count // AT_ONCE) - 1) if bought else 0  # without those between calls
            fetcher = shop.fetcher(forced=False)
            shops.run(fetcher.prepare(roots))
            shops.run(fetcher.appraise())
            assert bool(time.asked) == gives_way
            assert (fetcher.worth, shop.upstream.billed) == (count, count)
