"""Each list of the graph, page by page, as Relay and Apollo read it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

import httpx
import pytest
from graphql import GraphQLInterfaceType, GraphQLObjectType, build_schema, get_named_type

from tests.clients.samples import LISTS, NODES, as_json
from tests.meta.tree import ROOT
from tests.node import projects

Answer: TypeAlias = dict[str, Any]

PAGES = 3
LIMIT = 30.0
SCHEMA = build_schema((ROOT / "schema/api.graphql").read_text())
LIKE = (ROOT / "queries/set_like.graphql").read_text()


def ask(url: str, query: str, **variables: Any) -> Answer:
    answer: Answer = httpx.post(url, json={"query": query, "variables": variables}, timeout=LIMIT).json()
    assert "errors" not in answer, answer
    return answer


def lists() -> Iterator[str]:
    for type_ in SCHEMA.type_map.values():
        if isinstance(type_, GraphQLObjectType):
            yield from (
                f"{type_.name}.{name}"
                for name, field in type_.fields.items()
                if get_named_type(field.type).name.endswith("Connection")
            )


def page_in(value: Any) -> Answer | None:
    """The one list of an answer that is paged."""
    if isinstance(value, dict) and "pageInfo" in value:
        return value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return next((page for one in inner if (page := page_in(one))), None)


def module_of(name: str) -> str:
    """The name under which Relay reads a list."""
    type_, field = name.split(".")
    return f"{type_}{field[0].upper()}{field[1:]}"


@pytest.fixture(scope="module")
def flows(served: str) -> None:
    """Two, since a gateway begins without any."""
    for id_ in ("3286412355219875123", "3286412355219875124"):
        ask(served, LIKE, account="787132", id=id_, liked=True)


@pytest.fixture(scope="module")
def apollo(project: Path, served: str, flows: None) -> dict[str, Answer]:
    found: dict[str, Answer] = json.loads(projects.run(project, "lists.mjs", served, as_json()))
    return found


def test_every_list_and_node_of_the_graph_has_a_sample() -> None:
    interface = SCHEMA.type_map["Node"]
    assert isinstance(interface, GraphQLInterfaceType)
    assert NODES.keys() == {type_.name for type_ in SCHEMA.get_possible_types(interface)}
    assert LISTS.keys() == set(lists())


@pytest.mark.parametrize("name", LISTS)
def test_apollo_client_joins_the_pages_of_a_list(apollo: dict[str, Answer], name: str) -> None:
    """By its own merge function for Relay's connections."""
    sizes, ids = apollo[name]["sizes"], apollo[name]["ids"]
    assert len(sizes) >= 2
    assert all(sizes)
    assert len(set(ids)) == len(ids) == sum(sizes)


@pytest.mark.parametrize("name", LISTS)
def test_relay_reads_the_pages_of_a_list(relay: Answer, served: str, flows: None, name: str) -> None:
    """By the query that its compiler makes of a pagination fragment: of what can be refetched, by `node`."""
    text, sample = relay["texts"][module_of(name)], LISTS[name]
    assert ("node(id: $id)" in text) is not (name.startswith("Query.") or bool(sample.within))
    variables: dict[str, Any] = {} if sample.id is None else {"id": sample.id}
    ids: list[str] = []
    for number in range(PAGES):
        page = page_in(ask(served, text, **variables, first=sample.first)["data"])
        assert page is not None
        assert page["edges"]
        ids += [edge["node"]["id"] for edge in page["edges"]]
        if not page["pageInfo"]["hasNextPage"]:
            assert number > 0
            break
        variables["after"] = page["pageInfo"]["endCursor"]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("name", ["User.highlights", "Highlight.items"])
def test_relay_reads_a_list_from_its_end(relay: Answer, served: str, name: str) -> None:
    """Those that are in the gateway as a whole."""
    page = page_in(ask(served, relay["texts"][module_of(name)], id=LISTS[name].id, last=1)["data"])
    assert page is not None
    assert len(page["edges"]) == 1
    assert page["pageInfo"]["hasPreviousPage"]


@pytest.mark.parametrize("type_name", NODES)
def test_relay_refetches_a_node(relay: Answer, served: str, type_name: str) -> None:
    """By the query that Relay makes of a refetchable fragment."""
    text, sample = relay["texts"][f"{type_name}Node"], NODES[type_name]
    assert "node(id: $id)" in text
    node = ask(served, text, id=sample.id)["data"]["node"]
    assert (node["__typename"], node["id"]) == (type_name, sample.id)
    assert node[sample.field] is not None
