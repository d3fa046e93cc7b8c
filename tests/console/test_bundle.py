"""What the console is built of, and what comes out."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from graphql import OperationDefinitionNode, OperationType, parse

from tests.fakes.gateway import running_gateway
from tests.meta.tree import ROOT
from tests.node import projects

WEB = ROOT / "gateway/console/web"
STATIC = ROOT / "gateway/console/static"
VARIABLES = json.loads((WEB / "variables.json").read_text())


def reads(path: Path) -> bool:
    operations = [one for one in parse(path.read_text()).definitions if isinstance(one, OperationDefinitionNode)]
    return all(operation.operation is OperationType.QUERY for operation in operations)


QUERIES = sorted(path for path in (ROOT / "queries").iterdir() if reads(path))


def test_the_console_is_no_larger_than_the_readme_says(console: None) -> None:
    said = re.search(r"console[^.]*?([\d.]+) MB", (ROOT / "README.md").read_text())
    assert said is not None
    assert sum(path.stat().st_size for path in STATIC.iterdir()) <= float(said[1]) * 1_000_000


def test_the_sources_fit_their_types(console: None) -> None:
    projects.task(WEB, "check")


def test_the_lock_names_no_registry() -> None:
    assert '"resolved"' not in (WEB / "package-lock.json").read_text()


def test_every_query_has_variables_and_the_reverse() -> None:
    assert VARIABLES.keys() == {path.stem for path in (ROOT / "queries").iterdir()}


@pytest.mark.parametrize("path", QUERIES, ids=lambda path: path.stem)
async def test_an_example_is_answered_by_the_sandbox(path: Path, tmp_path: Path) -> None:
    text = path.read_text()  # noqa: ASYNC240 (nothing else runs)
    async with running_gateway(tmp_path) as gateway:
        answer = await gateway.query(text, VARIABLES[path.stem])
        assert answer.errors == []
        assert answer.data
