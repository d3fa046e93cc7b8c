"""The gateway's subgraph composes with one that knows its entities, by the composers in use."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.commands.process import run

HERE, THERE = "http://127.0.0.1:8000/graphql", "http://127.0.0.1:8001/"


@pytest.mark.parametrize("composer", ["apollo", "guild"])
def test_both_subgraphs_compose(composer: str, compose: Callable[..., str]) -> None:
    supergraph = compose(composer, HERE, THERE)
    assert "join__Graph" in supergraph
    for type_ in ("User", "Highlight", "Item", "Brand"):
        assert f"type {type_}\n" in supergraph or f"type {type_} " in supergraph


@pytest.mark.parametrize("composer", ["apollo", "guild"])
def test_the_guarded_subgraph_composes_and_keeps_its_guards(
    composer: str, compose: Callable[..., str], tmp_path: Path
) -> None:
    """Opt-in: some routers do not start with these directives, others enforce them."""
    printed = tmp_path / "guarded.graphql"
    printed.write_text(run("schema", "--guarded").stdout)
    supergraph = compose(composer, HERE, THERE, printed)
    assert '@requiresScopes(scopes: [["write"]])' in supergraph
    assert "@authenticated" in supergraph
    assert "@authenticated" not in compose(composer, HERE, THERE)
