"""Arguments of lists: what is wrong in itself costs nothing, and no argument makes a price too low."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.domain.highlight_criteria import LONGEST_TEXT
from tests.fakes.gateway import RunningGateway, running_gateway

PRICE = "query ($document: String!) { price(document: $document) { lower upper } }"


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[RunningGateway]:
    async with running_gateway(tmp_path) as running:
        yield running


async def priced(gateway: RunningGateway, document: str) -> tuple[int, int]:
    price = (await gateway.query(PRICE, {"document": document})).data["price"]
    return price["lower"], price["upper"]


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ("first: 101", "first"),
        ("last: -1", "last"),
        ('after: "\u00e9"', "after"),
        ('before: "\u00e9"', "before"),
        ('filter: { createdSince: "2025-09-01" }', "filter.createdSince"),
        (f'filter: {{ titleContains: "{"a" * (LONGEST_TEXT + 1)}" }}', "filter.titleContains"),
    ],
)
async def test_an_argument_that_is_wrong_in_itself_costs_nothing(
    gateway: RunningGateway, arguments: str, field: str
) -> None:
    """Neither the list, nor what is selected below; what is selected beside it is paid for as priced."""
    below = "{ nodes { items { totalCount } } }"
    document = f'{{ user(by: {{ username: "empty.404" }}) {{ highlights({arguments}) {below} }} }}'
    assert await priced(gateway, document) == (0, 0)
    answer = await gateway.query(document)
    assert answer.errors == [("user.highlights", "BAD_USER_INPUT")]
    assert answer.body["errors"][0]["extensions"]["field"] == field
    assert answer.charged == 0
    document = f'{{ user(by: {{ username: "empty.404" }}) {{ username highlights({arguments}) {below} }} }}'
    lower, upper = await priced(gateway, document)
    answer = await gateway.query(document)
    assert lower <= answer.charged <= upper


@pytest.mark.parametrize("sizes", [(1, 2, 3), (3, 2, 1), (1, 1, 2)])
async def test_the_last_of_the_first_are_others_for_each_number(
    gateway: RunningGateway, sizes: tuple[int, ...]
) -> None:
    pages = " ".join(
        f"p{at}: highlights(first: {first}, last: 1) {{ nodes {{ items {{ totalCount }} }} }}"
        for at, first in enumerate(sizes)
    )
    document = f'{{ user(by: {{ id: "787132" }}) {{ {pages} }} }}'
    lower, upper = await priced(gateway, document)
    answer = await gateway.query(document)
    assert answer.charged == 2 + len(set(sizes))
    assert lower <= answer.charged <= upper
