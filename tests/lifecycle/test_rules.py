"""All rules as one visitor find what graphql-core finds with each rule of its own."""

from __future__ import annotations

import pytest
from graphql import parse, validate
from hypothesis import given
from hypothesis import strategies as st

from gateway.operations.client_errors import MOST_MISTAKES
from gateway.operations.rules import RULES
from gateway.operations.validation import problems
from schema.build import build_schema

SCHEMA = build_schema().core
NAMES = ("id", "username", "highlights", "nodes", "items", "nothing", "__typename", "user", "a: id", "id: pk")
WITH = ("", "(first: 1)", "(first: $n)", "(first: $m)", '(by: { id: "1" })', "(by: { id: $n })", "(by: 3)", "(x: 1)")
AFTER = ("", " @skip(if: true)", " @include(if: $b)", " @odd", " @skip", " @defer @defer")
FRAGMENTS = ("...F", "...G", "...H", "... on User { id }", "... on Nobody { id }", "... @skip(if: $b) { id }")
HEADS = ("", "query", "query A", "query A($n: Int)", "query A($n: ID!, $n: Int)", "query B($b: Boolean!)", "mutation M")


def field(below: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    parts = st.tuples(st.sampled_from(NAMES), st.sampled_from(WITH), st.sampled_from(AFTER), below)
    return parts.map("".join)


SELECTION = st.recursive(
    field(st.just("")) | st.sampled_from(FRAGMENTS),
    lambda inner: field(st.lists(inner, min_size=1, max_size=4).map(lambda all_: f" {{ {' '.join(all_)} }}")),
    max_leaves=12,
)
SELECTIONS = st.lists(SELECTION, min_size=1, max_size=4).map(" ".join)
OPERATION = st.tuples(st.sampled_from(HEADS), SELECTIONS).map(lambda parts: f"{parts[0]} {{ {parts[1]} }}")
FRAGMENT = st.tuples(st.sampled_from("FGG"), st.sampled_from(("User", "Query", "ID", "None")), SELECTIONS).map(
    lambda parts: f"fragment {parts[0]} on {parts[1]} {{ {parts[2]} }}"
)


@given(
    operations=st.lists(OPERATION, min_size=1, max_size=2),
    fragments=st.lists(FRAGMENT, max_size=3),
    suggest=st.booleans(),
)
def test_the_same_problems_in_the_same_order(operations: list[str], fragments: list[str], suggest: bool) -> None:
    document = parse("\n".join(operations + fragments))
    expected = validate(SCHEMA, document, RULES, max_errors=MOST_MISTAKES, hide_suggestions=not suggest)
    assert [error.formatted for error in problems(SCHEMA, document, suggest=suggest)] == [
        error.formatted for error in expected
    ]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_rule_looks_by_methods_of_its_class(rule: type) -> None:
    """A handler that only an instance has would not be found by the class."""
    handlers = {name for name in dir(rule) if name.startswith(("enter", "leave"))} - {"enter_leave_map"}
    assert handlers
