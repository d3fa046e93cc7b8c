"""Ten times as large a document, in whatever way it grows, is at most twelve times the work to look at.

Each shape is what somebody would send who wants the gateway to think: it is valid, and its larger form is as large as
may be sent.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import pytest
from graphql import DocumentNode, OperationDefinitionNode, parse

from gateway.billing.prices import Prices
from gateway.operations import incremental_delivery
from gateway.operations.cost import check_cost
from gateway.operations.limits import check_document, check_text
from gateway.operations.selection_analysis import analyze
from gateway.operations.validation import problems
from gateway.planner.estimator import Pricer
from gateway.planner.resolved_data import EmptyDataSource, OperationData
from gateway.upstream.hikerapi.endpoints import ENDPOINTS
from schema.build import build_schema
from tests.fakes.clock import ManualClock
from tests.fakes.paging import PAGING
from tests.profiles import sample
from tests.work import MOST, calls, growth

CORE = build_schema().core
VARIABLES = {"v": "1", "k": ["1"], **{f"v{at}": str(at + 1) for at in range(1_000)}}
# Validation compares fields of one name, and fragments, each with each: that the limits bound, at tenths of a second
# of a slow machine.
LARGEST_VALIDATION = 750_000
ROOT, QUOTED, USER = 'a@: user(by: { id: "@" }) { id }', '"@"', '{ id: "@" }'
Shape: TypeAlias = Callable[[int], str]


def repeat(count: int, text: str) -> str:
    """`text` for each number, in the place of `@`."""
    return " ".join(text.replace("@", str(at)) for at in range(1, count + 1))


def of_a_user(selections: str, fragments: str = "") -> str:
    return f'{{ user(by: {{ id: "1" }}) {{ {selections} }} }} {fragments}'


def chain(count: int, beside: str) -> str:
    """Each fragment spreads the next one."""
    links = (f"fragment F{at} on User {{ {beside.replace('@', str(at))} ...F{at + 1} }}" for at in range(count))
    return f"{' '.join(links)} fragment F{count} on User {{ id }}"


# By name: how large the smaller form is.
SHAPES: dict[str, tuple[int, Shape]] = {
    "aliases of roots": (5, lambda n: f"{{ {repeat(n, ROOT)} }}"),
    "aliases of trays": (9, lambda n: of_a_user(repeat(n, "a@: highlights(first: 1) { nodes { title } }"))),
    "aliases of leaves": (10, lambda n: of_a_user(repeat(n, "a@: id"))),
    "one leaf": (40, lambda n: of_a_user("id " * n)),
    "inline fragments": (30, lambda n: of_a_user("... on User { id } " * n)),
    "directives": (10, lambda n: of_a_user("id @skip(if: false) " * n)),
    "parts": (10, lambda n: of_a_user("... @defer { username } " * n)),
    "a chain of fragments": (9, lambda n: of_a_user("...F0", chain(n, ""))),
    "a chain of fragments with trays": (9, lambda n: of_a_user("...F0", chain(n, "a@: highlights { totalCount }"))),
    "a fan of fragments": (9, lambda n: of_a_user(repeat(n, "...F@"), repeat(n, "fragment F@ on User { a@: id id }"))),
    "one fragment in many places": (
        9,
        lambda n: of_a_user(
            repeat(n, "a@: highlights(first: 1) { ...F }"),
            "fragment F on HighlightConnection { totalCount nodes { id title } }",
        ),
    ),
    "one fragment many times": (40, lambda n: of_a_user("...F " * n, "fragment F on User { id }")),
    "operations": (
        10,
        lambda n: repeat(n, "query Q@ { ...F }") + ' fragment F on Query { user(by: { id: "1" }) { id } }',
    ),
    "variables": (
        10,
        lambda n: f"query Q({repeat(n, '$v@: ID!')}) {{ highlights(ids: [{repeat(n, '$v@')}]) {{ title }} }}",
    ),
    "ids": (90, lambda n: f"{{ highlights(ids: [{repeat(n, QUOTED)}]) {{ title }} }}"),
    "users": (25, lambda n: f"{{ users(by: [{repeat(n, USER)}]) {{ username }} }}"),
}


def named(document: DocumentNode) -> str | None:
    first = next(node for node in document.definitions if isinstance(node, OperationDefinitionNode))
    return first.name.value if first.name else None


def look(text: str, document: DocumentNode) -> dict[str, Callable[[], object]]:
    """All that is done with a document before anything is bought, but for parsing and validating it."""
    operation = named(document)
    roots = analyze(CORE, document, operation, VARIABLES)
    pricer, facts = Pricer(Prices(ENDPOINTS, ManualClock()), forced=False), OperationData(EmptyDataSource(), PAGING)
    return {
        "text": lambda: check_text(text),
        "document": lambda: check_document(document),
        "parts": lambda: incremental_delivery.uses_defer_or_stream(CORE, document, operation, VARIABLES),
        "cost": lambda: check_cost(CORE, document, operation, VARIABLES),
        "needs": lambda: analyze(CORE, document, operation, VARIABLES),
        "price": lambda: pricer.estimate(roots, facts),
    }


@pytest.mark.parametrize("shape", sample(tuple(SHAPES)))
def test_ten_times_the_document_is_ten_times_the_work(shape: str) -> None:
    count, text_of = SHAPES[shape]
    small, large = text_of(count), text_of(10 * count)
    few, many = look(small, parse(small)), look(large, parse(large))
    assert {step: round(times) for step in few if (times := growth(few[step], many[step])) > MOST} == {}


@pytest.mark.parametrize("shape", sample(tuple(SHAPES)))
def test_the_largest_documents_are_validated_in_bounded_work(shape: str) -> None:
    count, text_of = SHAPES[shape]
    document = parse(text_of(10 * count))
    found: list[Any] = []
    assert calls(lambda: found.extend(problems(CORE, document, suggest=False))) < LARGEST_VALIDATION
    assert found == []
