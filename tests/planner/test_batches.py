"""Numbers of comments are bought for as many posts at once as a call may be about, and as late as that takes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

import pytest

from gateway.domain.media import MediaId
from gateway.reads.endpoints import Call
from gateway.reads.facts import FactKind
from gateway.upstream.hikerapi import endpoints, list_endpoints
from tests.planner.cases import case_of
from tests.planner.gateways import Shops, selections
from tests.planner.listings import Paged, pages
from tests.planner.selections import By, Operation, PostRoot, Posts, Root, UserRoot, Users
from tests.planner.slices import Slice
from tests.planner.worlds import Account, Kind, Post

COUNTED = Posts(frozenset({"commentCount"}))
PKS = [str(70 + at) for at in range(12)]
POSTS = [Post(pk, author=0, tags=(), comments=pages((0,))) for pk in PKS]
ANN = Account("10", "ann", Kind.PUBLIC, (), posts=pages((0,)), more={Paged.TAGGED: pages((0, 1), (2,))})


@pytest.fixture(scope="module")
def shops(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shops]:
    with Shops(tmp_path_factory.mktemp("ledger")) as shops:
        yield shops


def bought(shops: Shops, *roots: Root, after: Sequence[Call] = ()) -> list[Call]:
    case = case_of(*roots, accounts=(ANN,), posts=POSTS, history=[(call, 0.0) for call in after])
    shop, _ = shops.prepared(case)
    return shop.upstream.asked


def user(listing: Paged, below: Posts, first: int) -> Root:
    return UserRoot(((By.ID, "10"),), Users(posts=(Slice(listing, below, first=first),)))


def counts(*pks: str) -> Call:
    return Call(list_endpoints.COMMENT_COUNTS, ",".join(pks))


def test_twelve_posts_are_two_calls(shops: Shops) -> None:
    assert bought(shops, PostRoot(tuple(PKS), COUNTED)) == [counts(*PKS[:10]), counts(*PKS[10:])]


@pytest.mark.parametrize(("wanted", "calls"), [(PKS[2:5], 1), (PKS[5:12], 2), (PKS[8:12], 2), ([PKS[1], PKS[11]], 2)])
def test_posts_whose_counts_are_on_their_way_are_not_counted_again(shops: Shops, wanted: list[str], calls: int) -> None:
    """A call that is needed for other posts anyway counts all of its own: it costs the same."""
    first, second = (Operation((PostRoot(tuple(pks), COUNTED),)) for pks in (PKS[:10], wanted))
    shop = shops.open(case_of(*first.roots, accounts=(ANN,), posts=POSTS))
    ours, others = shop.fetcher(forced=False), shop.fetcher(forced=False)

    async def at_once() -> None:
        await asyncio.gather(ours.prepare(selections(first)), others.prepare(selections(second)))

    shops.run(at_once())
    assert len(shop.upstream.asked) == calls
    assert all(others.facts.fact(FactKind.COMMENT_COUNT, MediaId(pk)) for pk in wanted)
    assert (ours.bill.charged, others.bill.charged) == (1, calls - 1)


def test_posts_of_two_calls_on_their_way_are_not_counted_again(shops: Shops) -> None:
    parts = [PKS[:4], PKS[6:12], [*PKS[2:4], *PKS[6:8]]]
    operations = [Operation((PostRoot(tuple(pks), COUNTED),)) for pks in parts]
    shop = shops.open(case_of(*operations[0].roots, accounts=(ANN,), posts=POSTS))
    fetchers = [shop.fetcher(forced=False) for _ in parts]

    async def at_once() -> None:
        preparing = zip(fetchers, operations, strict=True)
        await asyncio.gather(*(fetcher.prepare(selections(one)) for fetcher, one in preparing))

    shops.run(at_once())
    assert [call.key for call in shop.upstream.asked] == [",".join(pks) for pks in parts[:2]]
    last = fetchers[2]
    assert all(last.facts.fact(FactKind.COMMENT_COUNT, MediaId(pk)) for pk in parts[2])
    assert last.bill.charged == 0


def test_one_post_is_bought_as_it_is(shops: Shops) -> None:
    """At the same price that has all of it. So does the eleventh of eleven."""
    assert bought(shops, PostRoot((PKS[0],), COUNTED)) == [Call(endpoints.MEDIA, PKS[0])]
    eleven = bought(shops, PostRoot(tuple(PKS[:11]), COUNTED))
    assert eleven == [counts(*PKS[:10]), Call(endpoints.MEDIA, PKS[10])]


def test_posts_of_several_pages_are_counted_together(shops: Shops) -> None:
    """The list does not tell their numbers, and needs two pages."""
    tagged = [Call(list_endpoints.TAGGED_POSTS, "10", cursor=cursor) for cursor in ("", "1")]
    assert bought(shops, user(Paged.TAGGED, COUNTED, first=3)) == [*tagged, counts(*PKS[:3])]


def test_a_post_of_which_more_is_wanted_elsewhere_is_counted_with_the_others(shops: Shops) -> None:
    likers = Posts(likers=(Slice(Paged.LIKERS, Users()),))
    roots = PostRoot((PKS[0], PKS[1]), COUNTED), user(Paged.POSTS, likers, first=1)
    known = Call(list_endpoints.POSTS, "10")
    assert bought(shops, *roots, after=[known]) == [Call(list_endpoints.LIKERS, PKS[0]), counts(*PKS[:2])]


def test_posts_that_are_bought_are_not_counted_as_well(shops: Shops) -> None:
    roots = PostRoot((PKS[0], PKS[1]), COUNTED), PostRoot((PKS[0],), Posts(frozenset({"caption"})))
    assert bought(shops, *roots) == [Call(endpoints.MEDIA, PKS[0]), Call(endpoints.MEDIA, PKS[1])]
