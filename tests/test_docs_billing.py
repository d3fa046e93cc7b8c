"""docs/billing.md tells the prices there are, and its examples cost what it says."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.upstream.hikerapi import endpoints
from tests.fakes.gateway import Answer, RunningGateway, Terms, running_gateway

TEXT = (Path(__file__).parents[1] / "docs" / "billing.md").read_text()
EXAMPLES = re.split(r"^### ", TEXT, flags=re.MULTILINE)[1:]


@dataclass(frozen=True, slots=True)
class Row:
    """A line of an example's table: the operation, asked once more. Amounts are billed requests."""

    when: str
    minutes: int
    limit: str
    lower: int
    expected: int
    upper: int
    charged: int
    saved: int
    errors: int


def cells(text: str) -> list[list[str]]:
    """Those of the table rows, without heading and rule."""
    lines = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line] for line in lines[2:]]


def rows(example: str) -> list[Row]:
    return [Row(when, int(minutes), limit, *map(int, rest)) for when, minutes, limit, *rest in cells(example)]


def block(text: str, language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert found
    return found[1]


def test_the_price_list_is_the_one_that_is_bought_by() -> None:
    (table,) = re.findall(r"^## What is bought\n(.*?)\n\n(?=The selected)", TEXT, re.MULTILINE | re.DOTALL)
    listed = [(call.strip("`"), int(price), forced) for call, _, price, forced in cells(table)]
    known = [(e.label, e.price, "" if e.forced_price is None else str(e.forced_price)) for e in endpoints.ENDPOINTS]
    assert sorted(listed) == sorted(known)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.partition("\n")[0])
async def test_an_example_costs_what_it_says(example: str, tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway:
        for row in rows(example):
            gateway.clock.advance(60 * row.minutes)
            assert await _outcome(gateway, block(example, "graphql"), row) == row


def test_there_are_four_examples() -> None:
    assert [len(rows(example)) for example in EXAMPLES] == [3, 2, 4, 4]


async def test_the_bill_shown_is_that_of_the_first_example(tmp_path: Path) -> None:
    shown = json.loads(block(TEXT.partition("## The bill afterwards")[2], "json"))
    web = {"web": Terms(ceiling=50, allowance={"minute": 100})}
    async with running_gateway(tmp_path, clients=web) as gateway:
        answer = await gateway.query(block(EXAMPLES[0], "graphql"), client="web")
        assert answer.billing == shown["billing"]


@pytest.mark.parametrize("header", re.findall(r"^\| `(X-\S+)`", TEXT, re.MULTILINE))
async def test_the_headers_are_sent(header: str, tmp_path: Path) -> None:
    async with running_gateway(tmp_path, clients={"web": Terms(allowance={"day": 10})}) as gateway:
        assert header in (await gateway.query("{ allowance { client } }", client="web")).headers


async def _outcome(gateway: RunningGateway, document: str, row: Row) -> Row:
    """What the row should say."""
    price = (await _ask(gateway, block(TEXT, "graphql"), row.limit, document=document)).data["price"]
    answer = await _ask(gateway, document, row.limit)
    return Row(
        when=row.when,
        minutes=row.minutes,
        limit=row.limit,
        lower=price["lower"],
        expected=price["expected"],
        upper=price["upper"],
        charged=answer.charged,
        saved=answer.billing["savedByCache"],
        errors=len(answer.errors),
    )


async def _ask(gateway: RunningGateway, query: str, limit: str, **variables: str) -> Answer:
    return await gateway.query(query, variables, headers={"X-Billing-Limit": limit} if limit else {})
