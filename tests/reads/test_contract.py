"""The contract of a read vendor, over HikerAPI and over one with other rows: the same graph, each at its own prices."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest
from hypothesis import given

from gateway.planner.requirements import open_requirements
from tests.planner.cases import Case, cases
from tests.planner.gateways import HIKERAPI, Shop, Shops, Vendor, selections
from tests.profiles import examples
from tests.reads.toy_upstream import TOY

VENDORS = (HIKERAPI, TOY)
Market = Mapping[str, Shops]


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
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
    buyer, roots = shop.buyer(forced=case.operation.forced), selections(case.operation)
    estimate = buyer.pricer.estimate(roots, buyer.facts)
    return buyer.pricer.least(open_requirements(roots, buyer.facts), buyer.facts), estimate.lower, estimate.upper


# -- generated operations


@pytest.mark.no_cover  # its many examples take twice as long under coverage
@examples(1_500)
@given(case=cases())
def test_every_vendor_gives_the_same_data_and_errors(case: Case, market: Market) -> None:
    answers = [shops.answer(cold(case)) for shops in market.values()]
    assert answers[0] == answers[1]


@every_vendor
@pytest.mark.no_cover  # its many examples take twice as long under coverage
@examples(1_500)
@given(case=cases())
def test_what_is_charged_lies_within_the_bounds_and_is_charged_once(case: Case, market: Market, vendor: Vendor) -> None:
    """An operation that may force is priced and bought without force where the vendor cannot."""
    case = Case(case.world, (), case.operation)
    shops = market[vendor.name]
    shop = shops.open(case)
    least, lower, upper = bounds(shop, case)
    assert shop.upstream.asked == []
    charged = shops.buy(shop, case.operation).bill.charged
    assert least <= lower <= charged == shop.upstream.billed <= upper
    assert bounds(shop, case) == (0, 0, 0)
    again = shops.buy(shop, case.operation)
    assert (again.bill.charged, again.saved_by_cache()) == (0, charged)
