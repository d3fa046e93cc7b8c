"""People rename their accounts: a remembered name is checked against the answer that carries it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.reads.endpoints import Call
from gateway.upstream.hikerapi import endpoints
from tests.planner.cases import Case, cases
from tests.planner.gateways import Shops
from tests.planner.selections import By, Highlights, Operation, Page, UserRoot, Users
from tests.planner.worlds import Account, Kind, Reel, World
from tests.profiles import examples

TITLES = Highlights(frozenset({"title"}))
WORLD = World(
    (
        Account("10", "one", Kind.PUBLIC, (Reel("100", ()),)),
        Account("11", "two", Kind.PUBLIC, (Reel("110", ()),)),
    )
)


@pytest.fixture(scope="module")
def shops(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shops]:
    with Shops(tmp_path_factory.mktemp("ledger")) as shops:
        yield shops


def by_name(name: str, *fields: str, tray: bool = False) -> Operation:
    below = Users(frozenset(fields), ((Page(), TITLES),) if tray else ())
    return Operation((UserRoot(((By.NAME, name),), below),))


def learned(name: str) -> tuple[tuple[Call, float], ...]:
    """The name was learned so long ago that only whose it was is still believed."""
    return ((Call(endpoints.PROFILE_BY_USERNAME, name), 5_000.0),)


def test_an_answer_under_another_name_sends_the_name_back_to_the_upstream(shops: Shops) -> None:
    """The name went to somebody else, whose tray is shown; the tray of its former bearer was bought in vain."""
    operation = by_name("one", "username", tray=True)
    shop = shops.open(Case(WORLD, learned("one"), operation))
    shop.upstream.world = WORLD.renamed(0, "former").renamed(1, "one")
    answer = shops.run(shops.answered(shop, operation))
    assert shop.upstream.asked == [Call(endpoints.TRAY, "10"), Call(endpoints.TRAY_BY_USERNAME, "one")]
    assert answer.data["r0"]["username"] == "one"
    assert [node["id"] for node in answer.data["r0"]["t0"]["nodes"]] == ["highlight:110"]


def test_a_name_that_nobody_checks_is_believed_for_a_day(shops: Shops) -> None:
    operation = by_name("one", "id")
    shop = shops.open(Case(WORLD, learned("one"), operation))
    shop.upstream.world = WORLD.renamed(0, "former")
    assert shops.run(shops.answered(shop, operation)).data["r0"]["id"] == "10"
    assert shop.upstream.asked == []


@examples(500)
@given(case=cases(), renamed=st.integers(0, 3), asked=st.integers(0, 3))
def test_whoever_is_shown_under_a_name_bears_it(case: Case, renamed: int, asked: int, shops: Shops) -> None:
    """One account takes another one's name, which takes a new one, after both were learned."""
    accounts = case.world.accounts
    taken = accounts[renamed % len(accounts)].name
    heir = (renamed + 1) % len(accounts)
    name = accounts[asked % len(accounts)].name
    first = by_name(name, "username", "biography").roots
    operation = replace(case.operation, roots=(*first, *case.operation.roots))
    shop = shops.open(case)
    shop.upstream.world = case.world.renamed(renamed % len(accounts), "brand.new").renamed(heir, taken)
    user = shops.run(shops.answered(shop, operation)).data["r0"]
    assert user is None or user["username"] in (name, None)
