"""Every scenario, step by step: the answer, the calls, the charge, and the price that was told before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from graphql import OperationDefinitionNode, parse, specified_rules
from strawberry.schema.schema import validate_document

from gateway.settings import Settings
from schema.build import build_schema
from tests.fakes.gateway import Answer, RunningGateway, running_gateway
from tests.operations.scenario import QUERIES, SCENARIOS, Meanwhile, Price, Step, load, value_at, with_cursors
from tests.operations.test_writes import OPERATIONS

FILES = sorted(SCENARIOS.glob("*.toml"))
QUERY_FILES = sorted(QUERIES.glob("*.graphql"))
PRICE = (QUERIES / "price_of_operation.graphql").read_text()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
async def test_scenario(file: Path, tmp_path: Path) -> None:
    scenario = load(file)
    settings = Settings(**scenario.settings)
    async with running_gateway(tmp_path, clients=scenario.clients, settings=settings) as gateway:
        await gateway.knows_its_balance()
        data: Any = None
        earlier: list[Any] = []
        for step in scenario.step:
            given = scenario.variables if step.variables is None else step.variables
            variables = given | {name: _latest(path, earlier) for name, path in step.from_data.items()}
            _let_happen(gateway, step.meanwhile)
            price = await _price(gateway, scenario.text, variables, step)
            calls, billed = gateway.calls, gateway.billed
            answer = await gateway.query(scenario.text, variables, client=step.client, headers=step.headers)
            earlier.append(answer.data)
            data = with_cursors(msgspec.json.decode(step.data), answer.data) if step.data else data
            place = f"{file.name}, {step.title}"
            assert answer.readable == data, place
            assert answer.errors == [(error.path, error.code) for error in step.errors], place
            for error, expected in zip(answer.body.get("errors", ()), step.errors, strict=True):
                assert error["extensions"] == error["extensions"] | expected.extensions, place
            assert dict(gateway.calls - calls) == step.calls, place
            assert gateway.billed - billed == step.billed, place
            _check_bill(answer, step, price, place)


def _latest(path: str, earlier: list[Any]) -> Any:
    """Return the value at the path in the latest data that has one."""
    return next(value for data in reversed(earlier) if (value := value_at(path, data)) is not None)


def _let_happen(gateway: RunningGateway, meanwhile: Meanwhile) -> None:
    world = gateway.sandbox.world
    gateway.clock.advance(meanwhile.pass_)
    if meanwhile.rename is not None:
        world.rename(meanwhile.rename.pk, meanwhile.rename.to)
    if meanwhile.delete_highlight is not None:
        world.delete_highlight(meanwhile.delete_highlight)
    if meanwhile.faults is not None:
        gateway.sandbox.faults.lay(*meanwhile.faults)


async def _price(gateway: RunningGateway, document: str, variables: dict[str, Any], step: Step) -> Price:
    """The price told for the step, as its client sees it. Telling it costs nothing."""
    before = gateway.calls
    asked = {"document": document, "variables": variables}
    answer = await gateway.query(PRICE, asked, client=step.client, headers=step.headers)
    assert gateway.calls == before
    told = answer.data["price"]
    assert told["withinBudget"] is step.within_budget
    assert sum(call["total"] for call in told["calls"]) == told["expected"]
    assert sum(field["total"] for field in told["fields"]) == told["expected"]
    price = Price(told["lower"], told["expected"], told["upper"])
    assert price == step.price, step.title
    return price


def _check_bill(answer: Answer, step: Step, price: Price, place: str) -> None:
    billing = answer.billing
    assert billing["charged"] == answer.charged == step.billed, place
    if step.saved_by_cache is not None:
        assert billing["savedByCache"] == step.saved_by_cache, place
    stale = answer.body["extensions"].get("cache", {"stale": []})["stale"]
    assert [entry["path"] for entry in stale] == step.stale, place
    if not step.beyond_price:
        assert price.lower <= step.billed <= price.upper, place
        assert billing["expected"] == price.expected, place


@pytest.mark.parametrize("file", QUERY_FILES, ids=lambda file: file.stem)
def test_query_holds_one_named_operation_that_is_valid(file: Path) -> None:
    document = parse(file.read_text())
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    assert validate_document(build_schema().core, document, specified_rules) == []
    assert [node.name.value.lower() for node in operations if node.name] == [file.stem.replace("_", "")]


def test_every_query_has_a_scenario() -> None:
    assert {load(file).query for file in FILES} | OPERATIONS >= {file.stem for file in QUERY_FILES}


def test_each_scenario_states_a_rule_of_its_own() -> None:
    rules = [load(file).rule for file in FILES]
    assert len(set(rules)) == len(rules)
    assert all(rule.endswith(".") for rule in rules)
