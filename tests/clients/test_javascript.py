"""The clients that frontends use, against a running gateway."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from tests.meta.tree import ROOT
from tests.node import projects

Outcome: TypeAlias = dict[str, Any]

CLIENTS = ("apollo", "urql")
OPERATIONS = sorted(path.stem for path in (ROOT / "queries").glob("*.graphql"))


@pytest.fixture(scope="module")
def outcomes(project: Path, served: str) -> dict[str, Outcome]:
    """Of both at the same time: for the most part they wait for what they have published."""
    with ThreadPoolExecutor() as pool:
        printed = pool.map(lambda client: projects.run(project, "run.mjs", client, served), CLIENTS)
        return dict(zip(CLIENTS, map(json.loads, printed), strict=True))


@pytest.fixture
def apollo(outcomes: dict[str, Outcome]) -> Outcome:
    return outcomes["apollo"]


@pytest.fixture
def urql(outcomes: dict[str, Outcome]) -> Outcome:
    return outcomes["urql"]


def test_apollo_client_queries_writes_and_follows(apollo: Outcome) -> None:
    assert apollo["query"] >= 3
    assert apollo["mutation"] == "From a client"
    assert apollo["webSocket"][-1] == "DONE"
    assert apollo["multipart"][-1] == "DONE"


def test_apollo_client_joins_the_pages_of_a_list_from_both_ends(apollo: Outcome) -> None:
    """By its own merge function for Relay's connections."""
    assert apollo["forward"] == apollo["backward"]
    assert len(set(apollo["forward"])) == len(apollo["forward"]) == 30


def test_apollo_client_sends_a_document_once_and_then_its_hash(apollo: Outcome) -> None:
    """Automatic persisted queries: the hash is unknown, hash and document are stored, and then the hash is enough."""
    first, second, again = apollo["persisted"]
    assert (first["method"], first["hasQuery"]) == ("GET", False)
    assert second["hasQuery"]
    assert (again["method"], again["hasQuery"]) == ("GET", False)


def test_apollo_client_need_not_send_an_operation_that_the_gateway_trusts(apollo: Outcome) -> None:
    """The hash that the client makes of an example operation is known from the start."""
    assert apollo["trusted"] == [{"method": "GET", "hasQuery": False}]


def test_apollo_client_shows_what_is_there_before_what_is_deferred(apollo: Outcome) -> None:
    states = [(part["dataState"], part["count"] is not None) for part in apollo["defer"]]
    assert states == [("streaming", False), ("complete", True)]


@pytest.fixture(scope="module")
def deferred(project: Path, served: str) -> dict[str, Any]:
    shown: dict[str, Any] = json.loads(projects.run(project, "defer.mjs", served))
    return shown


@pytest.mark.parametrize(
    ("client", "form"),
    [
        ("three", "deferSpec=20220824"),
        ("four", "incrementalSpec=v0.2"),
        ("four, older form", "deferSpec=20220824"),
    ],
)
def test_apollo_client_reads_what_is_deferred_in_the_form_that_it_names(
    deferred: dict[str, Any], client: str, form: str
) -> None:
    accept, content_type = deferred[client]["accepted"]
    assert f"multipart/mixed;{form}" in accept
    assert content_type == f'multipart/mixed; boundary="-"; {form}'
    first, *_, last = [state["user"] for state in deferred[client]["states"]]
    assert (first["id"], "highlights" in first) == ("787132", False)
    assert last["highlights"]["totalCount"] == len(last["highlights"]["nodes"]) >= 3
    assert last["fullName"]


def test_urql_queries_writes_and_follows_by_server_sent_events(urql: Outcome) -> None:
    assert urql["query"] >= 3
    assert urql["mutation"] == "From a client"
    assert urql["events"][-1] == "DONE"


def test_codegen_types_the_example_operations(project: Path) -> None:
    """The client preset compiles `queries/`, and a program that uses the types passes the strict compiler."""
    codegen = projects.package(project, "@graphql-codegen/cli") / "esm/bin.js"
    projects.run(project, codegen, "--config", "codegen.json")
    projects.run(project, projects.package(project, "typescript") / "bin/tsc", "--project", ".")


def test_relay_compiles_the_example_operations(relay: Outcome) -> None:
    operations = [
        name
        for name in relay["generated"]
        if name.endswith(("Query", "Mutation", "Subscription")) and not name.endswith("ReadQuery")
    ]
    assert len(operations) == len(OPERATIONS)
