"""Documents are parsed and validated once, and only good ones are kept."""

from __future__ import annotations

import tracemalloc

import pytest
from graphql import parse

from gateway.billing.prices import Prices
from gateway.errors import InvalidInput
from gateway.operations.documents import MAX_CHARACTERS, DocumentCache, quote
from gateway.planner.estimator import Estimate, Pricer
from gateway.planner.resolved_data import EmptyDataSource, OperationData
from gateway.upstream.hikerapi.endpoints import ENDPOINTS
from schema.build import build_schema
from tests.fakes.clock import ManualClock
from tests.fakes.paging import PAGING

SCHEMA = build_schema().core
USER = 'user(by: {id: "787132"}) { biography }'


def keep(documents: DocumentCache, text: str) -> None:
    documents.keep(SCHEMA, text, parse(text))


def price(documents: DocumentCache, text: str, operation: str | None = None, **variables: object) -> Estimate:
    return quote(
        SCHEMA,
        documents,
        Pricer(Prices(ENDPOINTS, ManualClock()), forced=False),
        OperationData(EmptyDataSource(), PAGING),
        text,
        variables,
        operation,
    )


def test_a_document_is_found_by_its_very_text() -> None:
    documents = DocumentCache()
    text = f"{{ {USER} }}"
    kept = documents.keep(SCHEMA, text, parse(text))
    assert documents.find(text) is kept
    assert documents.find(text + " ") is None


def test_what_is_kept_is_bounded_and_the_least_used_go_first() -> None:
    """By the bytes of texts and syntax trees."""
    size = DocumentCache().keep(SCHEMA, "{ a0 }", parse("{ a0 }")).size
    documents = DocumentCache(10 * size)
    texts = [f"{{ a{number} }}" for number in range(10)]
    for text in texts:
        keep(documents, text)
    assert documents.find(texts[0])
    keep(documents, "{ ax }")
    assert [documents.find(text) is not None for text in texts] == [True, False] + [True] * (len(texts) - 2)


def test_a_document_counts_with_all_bytes_that_it_takes() -> None:
    dense, wide = "{" + " a" * 1_000 + "}", "{ a } # " + "\N{GRINNING FACE}" * 15_000
    for text in ("{a}", dense, wide, "{ a" + "\n#" * 1_000 + "\n}"):
        tracemalloc.start()
        try:
            node = parse(text[:1] + text[1:])
            held = tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()
        assert held < DocumentCache(10**9).keep(SCHEMA, text, node).size < 4 * held + 5_000


def test_a_long_document_is_used_and_not_kept() -> None:
    documents = DocumentCache()
    text = "{ __typename }" + " " * MAX_CHARACTERS
    assert documents.keep(SCHEMA, text, parse(text)).node.definitions
    assert documents.find(text) is None


@pytest.mark.parametrize(
    ("text", "introspects"),
    [
        ("{ __schema { description } }", True),
        ('{ a: __type(name: "X") { name } }', True),
        ("{ _service { sdl } }", True),
        ("{ ...F } fragment F on Query { ... on Query { __schema { description } } }", True),
        ("{ __typename }", False),
        (f"{{ {USER} }}", False),
        (f"query __schema {{ {USER} }}", False),
    ],
)
def test_it_is_known_of_a_document_whether_it_asks_about_the_schema(text: str, introspects: bool) -> None:
    assert DocumentCache().keep(SCHEMA, text, parse(text)).introspects is introspects


def test_a_priced_document_is_kept_for_when_it_is_run() -> None:
    documents = DocumentCache()
    assert price(documents, f"{{ {USER} }}").expected == 1
    assert documents.find(f"{{ {USER} }}") is not None
    assert price(documents, f"{{ {USER} }}").expected == 1


@pytest.mark.parametrize("text", ["", "{", "{ nothing }", f"{{ {USER} ", "fragment F on Query { __typename }"])
def test_what_cannot_be_run_cannot_be_priced_and_is_not_kept(text: str) -> None:
    documents = DocumentCache()
    with pytest.raises(InvalidInput) as refusal:
        price(documents, text)
    assert refusal.value.extensions["field"] in ("document", "operationName")
    assert documents.find(text) is None


def test_of_several_operations_the_named_one_is_priced() -> None:
    text = f"query A {{ {USER} }} query B {{ {USER} highlights(ids: [1, 2]) {{ missingItemIds }} }}"
    assert [price(DocumentCache(), text, name).expected for name in "AB"] == [1, 3]
    for name in ("C", None):
        with pytest.raises(InvalidInput) as refusal:
            price(DocumentCache(), text, name)
        assert refusal.value.extensions["field"] == "operationName"


def test_variables_that_do_not_fit_have_no_price() -> None:
    text = "query($by: UserBy!) { user(by: $by) { biography } }"
    assert price(DocumentCache(), text, by={"id": "1"}).expected == 1
    for variables in ({}, {"by": 1}, {"by": {"id": "1", "username": "x"}}):
        with pytest.raises(InvalidInput) as refusal:
            price(DocumentCache(), text, **variables)
        assert refusal.value.extensions["field"] == "variables"
