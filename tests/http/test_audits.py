"""The audits of the npm package `graphql-http`, which the specification's authors keep, against a running gateway."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from tests.meta.tree import ROOT
from tests.node import projects

DOCUMENT = ROOT / "docs/conformance.md"


@pytest.fixture(scope="module")
def results(served: str, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    project = projects.installed(projects.AUDITS, tmp_path_factory.mktemp("audits"))
    results: list[dict[str, Any]] = json.loads(projects.run(project, "audit.mjs", f"{served}/graphql"))
    return results


def test_every_audit_passes(results: list[dict[str, Any]]) -> None:
    assert [result for result in results if result["status"] != "ok"] == []
    levels = Counter(result["name"].split()[0] for result in results)
    assert levels == {"MUST": 13, "SHOULD": 23, "MAY": 25}


def test_the_table_of_audits_is_the_one_that_was_run(results: list[dict[str, Any]]) -> None:
    rows = [f"| {result['id']} | {result['name']} | {result['status']} |" for result in results]
    table = "\n".join(rows)
    assert table in DOCUMENT.read_text(), f"{DOCUMENT.name} should hold:\n{table}"
