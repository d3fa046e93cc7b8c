"""An operation needs the rights of its fields, wherever these are written."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import parse

from gateway.domain.rights import RIGHTS, WRITING, Right
from gateway.errors import Forbidden
from gateway.execution.leaf_values import metadata_of
from gateway.operations.required_rights import check_rights, rights_of
from gateway.publishing.registry import FlowKind
from schema.build import build_schema

CORE = build_schema().core
WRITE, INTERACT = frozenset({Right.WRITE}), frozenset({Right.INTERACT})
LIKE = 'setLike(input: { account: "1", id: "1", liked: true }) { flow { id } }'
FORGET = "forgetCachedData(input: { all: true }) { entries }"
DISCONNECT = 'disconnectAccount(input: { account: "1" }) { userErrors { code } }'
READ, OPERATE, CONNECT = (frozenset({right}) for right in (Right.READ, Right.OPERATE, Right.CONNECT))
DELETE = 'deleteHighlight(input: { id: "1" }) { flow { id } }'


def needed(document: str, name: str | None = None) -> list[frozenset[Right]]:
    return list(rights_of(CORE, parse(document), name))


def test_each_mutation_names_the_rights_that_it_needs() -> None:
    assert CORE.mutation_type is not None
    named: dict[str, Any] = {
        field.extensions["strawberry-definition"].python_name: metadata_of(field)[RIGHTS]
        for field in CORE.mutation_type.fields.values()
    }
    writes = {kind.row.name: frozenset({kind.row.right}) for kind in FlowKind}
    controls = {"cancel_flow": WRITING, "retry_flow": WRITING, "forget_cached_data": OPERATE, "warm_cache": OPERATE}
    connections = {"connect_account": CONNECT, "disconnect_account": CONNECT}
    assert named == writes | controls | connections | {"erase_user": frozenset({Right.ERASE})}


@pytest.mark.parametrize(
    ("document", "rights"),
    [
        ("{ accounts { id } }", [READ]),
        ("{ __typename }", [READ]),
        ('subscription { flow(id: "1") { id } }', [READ]),
        ("mutation { __typename }", [WRITING]),
        (f"mutation {{ {LIKE} }}", [WRITING, INTERACT]),
        (f"mutation {{ {LIKE} {DELETE} }}", [WRITING, WRITE, INTERACT]),
        (f"mutation {{ a: {LIKE} ... {{ b: {DELETE} }} }}", [WRITING, WRITE, INTERACT]),
        (f"mutation {{ ...F ...F }} fragment F on Mutation {{ {DELETE} }}", [WRITING, WRITE]),
        (f"mutation {{ {FORGET} }}", [OPERATE]),
        (f"mutation {{ {DISCONNECT} }}", [CONNECT]),
        ('mutation { eraseUser(id: "1") { url } }', [frozenset({Right.ERASE})]),
        (f"mutation {{ {DISCONNECT} {LIKE} }}", [WRITING, CONNECT, INTERACT]),
        (f"mutation {{ {FORGET} __typename }}", [WRITING, OPERATE]),
        (f"mutation {{ {FORGET} {LIKE} }}", [WRITING, OPERATE, INTERACT]),
        (f"mutation {{ ... @skip(if: true) {{ {LIKE} }} }}", [WRITING, INTERACT]),
    ],
)
def test_the_rights_of_all_fields_are_needed(document: str, rights: list[frozenset[Right]]) -> None:
    assert needed(document) == rights


def test_only_the_operation_that_is_run_counts() -> None:
    document = f"mutation A {{ {LIKE} }} mutation B {{ {DELETE} }}"
    assert (needed(document, "A"), needed(document, "B")) == ([WRITING, INTERACT], [WRITING, WRITE])


@pytest.mark.parametrize(
    ("rights", "lacking"), [(WRITE, "interact"), (frozenset({Right.READ}), "write"), (INTERACT, "")]
)
def test_a_client_is_told_the_right_that_it_lacks(rights: frozenset[Right], lacking: str) -> None:
    document = parse(f"mutation {{ {LIKE} }}")
    if not lacking:
        check_rights(CORE, document, None, rights)
        return
    with pytest.raises(Forbidden) as refusal:
        check_rights(CORE, document, None, rights)
    assert refusal.value.extensions["right"] == lacking
