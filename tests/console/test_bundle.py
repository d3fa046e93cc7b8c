"""What the console is built of, and what comes out."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

import pytest
from graphql import (
    FieldNode,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    build_schema,
    parse,
    visit,
)

from gateway.console import OPERATIONS
from tests.fakes.gateway import running_gateway
from tests.meta.tree import ROOT
from tests.node import projects

WEB = ROOT / "gateway/console/web"
STATIC = ROOT / "gateway/console/static"
GROUPS = json.loads((ROOT / "queries" / "examples.json").read_text())
VARIABLES = {name: variables for members in GROUPS.values() for name, variables in members.items()}
# An operation in a string of the sources, and one that they take in.
ASKS = r"""['"`](query |mutation |subscription |\{ __schema)"""
# What `highlights-gateway cache` sends lies there as well, so that it is trusted with the rest.
OF_COMMANDS = {"cache_stats.graphql", "forget.graphql", "warm.graphql"}
TAKES = r"operations/(\w+\.graphql)\?raw"
ALL = sorted((ROOT / "queries").glob("*.graphql"))


def reads(path: Path) -> bool:
    operations = [one for one in parse(path.read_text()).definitions if isinstance(one, OperationDefinitionNode)]
    return all(operation.operation is OperationType.QUERY for operation in operations)


QUERIES = [path for path in ALL if reads(path)]


def test_the_console_is_no_larger_than_the_readme_says(console: None) -> None:
    said = re.search(r"console[^.]*?([\d.]+) MB", (ROOT / "README.md").read_text())
    assert said is not None
    assert sum(path.stat().st_size for path in STATIC.iterdir()) <= float(said[1]) * 1_000_000


def test_the_sources_fit_their_types(console: None) -> None:
    projects.task(WEB, "check")


def test_what_the_console_asks_by_itself_lies_where_it_is_trusted() -> None:
    """But for the question whether the schema may be seen, which is not to be answered where documents are trusted."""
    written = [(path, text) for path in (WEB / "src").rglob("*.ts*") for text in re.findall(ASKS, path.read_text())]
    assert written == [(WEB / "src/key/gate.tsx", "{ __schema")]
    taken = {name for path in (WEB / "src").rglob("*.ts*") for name in re.findall(TAKES, path.read_text())}
    assert taken | OF_COMMANDS == {path.name for path in OPERATIONS.iterdir()}


def test_the_lock_names_no_registry() -> None:
    assert '"resolved"' not in (WEB / "package-lock.json").read_text()


def test_every_query_has_variables_and_the_reverse() -> None:
    assert VARIABLES.keys() == {path.stem for path in (ROOT / "queries").glob("*.graphql")}


@cache
def api() -> GraphQLSchema:
    return build_schema((ROOT / "schema/api.graphql").read_text())


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_an_example_asks_for_proxied_pictures(path: Path) -> None:
    """Those of the platform's own servers are shown on no other page."""
    types, node = TypeInfo(api()), parse(path.read_text())
    unproxied: list[str] = []

    class Look(Visitor):
        def enter_field(self, field: FieldNode, *_: object) -> None:
            known = types.get_field_def()
            if known and "proxied" in known.args and "proxied" not in {one.name.value for one in field.arguments or ()}:
                unproxied.append(field.name.value)

    visit(node, TypeInfoVisitor(types, Look()))
    assert unproxied == []


def test_every_query_is_in_one_group() -> None:
    listed = [name for names in GROUPS.values() for name in names]
    assert sorted(listed) == sorted(path.stem for path in ALL)


@pytest.mark.parametrize("path", QUERIES, ids=lambda path: path.stem)
async def test_an_example_is_answered_by_the_sandbox(path: Path, tmp_path: Path) -> None:
    text = path.read_text()  # noqa: ASYNC240 (nothing else runs)
    async with running_gateway(tmp_path) as gateway:
        answer = await gateway.query(text, VARIABLES[path.stem])
        assert answer.errors == []
        assert answer.data
