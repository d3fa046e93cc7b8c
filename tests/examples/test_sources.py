"""What the example frontend is made of."""

from __future__ import annotations

import json
from pathlib import Path

from gateway.operations.formats import Format
from gateway.operations.manifests import manifest, operations_in
from gateway.operations.trusted import sources
from tests.meta.tree import ROOT
from tests.node.projects import FRONTEND


def test_the_lock_names_no_registry() -> None:
    assert '"resolved"' not in (FRONTEND / "package-lock.json").read_text()


def test_the_readme_names_the_scripts_that_there_are() -> None:
    scripts = json.loads((FRONTEND / "package.json").read_text())["scripts"]
    readme = (FRONTEND / "README.md").read_text()
    assert "npm install && npm run dev" in readme
    assert all(f"npm run {name}" in readme for name in scripts)


def test_it_asks_only_what_the_examples_ask(project: Path) -> None:
    """Each document in the page is one of `queries/`, in the gateway's own words for it."""
    generated = json.loads((project / "src/gql/persisted-documents.json").read_text())
    known = manifest(operations_in(sources(ROOT / "queries")), Format.CODEGEN)
    assert set(generated) <= set(known)
