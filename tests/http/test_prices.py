"""Prices are told within bounds, and others get their turn meanwhile."""

from __future__ import annotations

import asyncio
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from gateway.operations.quotes import FEW_KEYS, MOST_PRICED_KEYS, OF_MANY
from gateway.settings import Settings
from tests.fakes.gateway import Answer, RunningGateway, details, running_gateway
from tests.http.counted import work_of

USERS = "query Q($by: [UserBy!]!) { users(by: $by) { biography highlights(first: 5) { nodes { title } } } }"
TRUSTED = "query Trusted($by: UserBy!) { user(by: $by) { biography } }"


async def price(gateway: RunningGateway, times: int, keys: int, document: str = USERS) -> Answer:
    """Asks `times` for the price of a document with so many keys."""
    asked = " ".join(f"p{at}: price(document: $document, variables: $variables) {{ lower }}" for at in range(times))
    variables = {"by": [{"username": f"user.{at}"} for at in range(keys)]}
    return await gateway.query(
        f"query P($document: String!, $variables: JSON) {{ {asked} }}", {"document": document, "variables": variables}
    )


def problems(answer: Answer) -> list[dict[str, Any]]:
    return [details(error) for error in answer.body.get("errors", ())]


async def test_one_operation_may_ask_for_ten_prices(gateway: RunningGateway) -> None:
    assert [one["lower"] for one in (await price(gateway, 10, 1)).data.values()] == [1] * 10
    (problem,) = problems(await price(gateway, 11, 1))
    assert (problem["code"], problem["limit"]) == ("OPERATION_TOO_COMPLEX", "cost")


async def test_the_keys_of_all_priced_documents_are_counted(gateway: RunningGateway) -> None:
    assert problems(await price(gateway, 2, MOST_PRICED_KEYS // 2)) == []
    answer = await price(gateway, 2, MOST_PRICED_KEYS // 2 + 1)
    assert answer.data is None
    assert problems(answer) == [
        {
            "code": "OPERATION_TOO_COMPLEX",
            "limit": "priced keys",
            "most": MOST_PRICED_KEYS,
            "value": MOST_PRICED_KEYS + 2,
        }
    ]


async def test_ten_times_the_keys_are_at_most_twelve_times_the_work(gateway: RunningGateway) -> None:
    await price(gateway, 1, 1)
    few, many = [await work_of(price(gateway, 1, keys)) for keys in (10, 100)]
    assert many.calls <= 12 * few.calls


async def test_others_get_their_turn_between_prices(gateway: RunningGateway) -> None:
    """However many are asked for at once."""
    for times in (1, 10):
        await price(gateway, times, 1)
    one, ten = [await work_of(price(gateway, times, 15)) for times in (1, 10)]
    assert ten.calls > 5 * one.calls
    assert ten.longest < one.calls / 8


async def test_others_get_their_turn_between_the_prices_of_several_operations(gateway: RunningGateway) -> None:
    await price(gateway, 1, 1)
    one = await work_of(price(gateway, 1, 15))
    several = await work_of(asyncio.gather(*(price(gateway, 1, 15) for _ in range(5))))
    assert several.calls > 4 * one.calls
    assert several.longest < one.calls / 3


async def test_others_get_their_turn_within_a_price(gateway: RunningGateway) -> None:
    await price(gateway, 1, 1)
    work = await work_of(price(gateway, 1, 100))
    assert work.longest < work.calls / 4


async def test_a_price_of_few_keys_does_not_wait_for_those_of_many(gateway: RunningGateway) -> None:
    await price(gateway, 1, 1)
    many = [asyncio.create_task(price(gateway, 1, FEW_KEYS + 1)) for _ in range(OF_MANY + 3)]
    await asyncio.sleep(0)
    await price(gateway, 1, 1)
    assert not any(task.done() for task in many[OF_MANY:])
    assert {(await task).data["p0"]["lower"] for task in many} == {FEW_KEYS + 1}


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps({"who": TRUSTED}))
    return path


async def test_of_a_gateway_that_trusts_few_documents_no_other_is_priced(tmp_path: Path, manifest: Path) -> None:
    """Its refusal is the same whatever the document: it tells nothing of the schema."""
    settings = Settings(documents="trusted", documents_file=manifest)
    others = ["{ __typename }", "{ nothing }", "{", "", "nobody", "0" * 64, TRUSTED + " ", "{ __typename " * 500]
    async with running_gateway(tmp_path, settings=settings) as gateway:
        refusals = [await _priced(gateway, document) for document in others]
    assert {refusal.errors[0] for refusal in refusals} == {("price", "DOCUMENT_NOT_TRUSTED")}
    assert len({refusal.body["errors"][0]["message"] for refusal in refusals}) == 1


async def test_a_stored_document_is_priced_by_its_text_its_id_or_its_hash(tmp_path: Path, manifest: Path) -> None:
    digest = hashlib.sha256(TRUSTED.encode()).hexdigest()
    for documents in ("trusted", "any"):
        settings = Settings(documents=documents, documents_file=manifest)
        async with running_gateway(tmp_path, settings=settings) as gateway:
            for name in (TRUSTED, "who", digest, f"sha256:{digest}"):
                assert (await _priced(gateway, name)).data["price"]["lower"] == 1


async def _priced(gateway: RunningGateway, document: str) -> Answer:
    """By the gateway's own document, which it trusts."""
    return await gateway.query(OWN, {"document": document, "variables": {"by": {"id": "787132"}}})


OWN = (Path(__file__).parents[2] / "queries" / "price_of_operation.graphql").read_text()
