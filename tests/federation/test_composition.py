"""The gateway's subgraph composes with others that know its entities, by the composers in use."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.cli import main


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `schema --guarded` prints."""
    printed = tmp_path_factory.mktemp("guarded") / "guarded.graphql"
    with printed.open("w") as file, contextlib.redirect_stdout(file):
        assert main(["schema", "--guarded"]) == 0
    return printed


@pytest.mark.parametrize("composer", ["apollo", "guild"])
def test_the_subgraphs_compose(composer: str, compose: Callable[..., str]) -> None:
    supergraph = compose(composer)
    assert "join__Graph" in supergraph
    for type_ in ("User", "Highlight", "Item", "Media", "Comment", "Hashtag", "Location", "Brand"):
        assert f"type {type_}\n" in supergraph or f"type {type_} " in supergraph


@pytest.mark.parametrize("composer", ["apollo", "guild"])
def test_the_guarded_subgraph_composes_and_keeps_its_guards(
    composer: str, compose: Callable[..., str], guarded: Path
) -> None:
    """Opt-in: some routers do not start with these directives, others enforce them."""
    supergraph = compose(composer, guarded)
    assert '@requiresScopes(scopes: [["write"]])' in supergraph
    assert "@authenticated" in supergraph
    assert "@authenticated" not in compose(composer)
