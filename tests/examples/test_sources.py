"""What the example frontend is made of."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.operations.formats import ManifestFormat
from gateway.operations.manifests import manifest, operations_in
from gateway.operations.trusted_documents import sources
from tests.meta.tree import ROOT
from tests.node.projects import FRONTEND


def test_the_lock_names_no_registry() -> None:
    assert '"resolved"' not in (FRONTEND / "package-lock.json").read_text()


def test_the_readme_names_the_scripts_that_there_are() -> None:
    scripts = json.loads((FRONTEND / "package.json").read_text())["scripts"]
    readme = (FRONTEND / "README.md").read_text()
    assert "npm install && npm run dev" in readme
    assert all(f"npm run {name}" in readme for name in scripts)


def test_it_builds_when_copied_alone(project: Path) -> None:
    """All of it is in its folder: `project` is a copy with nothing beside it."""
    assert (project / "dist/index.html").is_file()
    assert [path.name for path in project.parents[1].iterdir()] == ["examples"]


@pytest.mark.parametrize("copy", sorted((FRONTEND / "graph").iterdir()), ids=lambda path: path.name)
def test_its_copies_of_the_graph_are_those_of_today(copy: Path) -> None:
    """Otherwise: `make schema`."""
    (original,) = (path for folder in ("schema", "queries") if (path := ROOT / folder / copy.name).is_file())
    assert copy.read_bytes() == original.read_bytes()


def test_it_asks_only_what_the_examples_ask(project: Path) -> None:
    """Each document in the page is one of `queries/`, in the gateway's own words for it."""
    generated = json.loads((project / "src/gql/persisted-documents.json").read_text())
    known = manifest(operations_in(sources(ROOT / "queries")), ManifestFormat.CODEGEN)
    assert set(generated) <= set(known)
