"""The tables of clients and routers name what the tests install, in the versions of their locks."""

from __future__ import annotations

import json
import re

import pytest

from tests.meta.tree import ROOT
from tests.node import projects

LOCK = projects.WORKSPACE / "package-lock.json"
ROWS = re.findall(r"^\| `([^`]+)` \| ([0-9.]+) \|", (ROOT / "docs/conformance.md").read_text(), re.MULTILINE)


def locked() -> set[tuple[str, str]]:
    """Name and version of each; a package may be there in two versions, one of them by another name."""
    packages = json.loads(LOCK.read_text())["packages"]
    found = {
        (package.get("name", name), package["version"])
        for project in ("routers", "clients")
        for name in packages[project]["dependencies"]
        for package in (packages.get(f"{project}/node_modules/{name}") or packages[f"node_modules/{name}"],)
    }
    pins = re.findall(r"^(gql)(?:\[[^]]*\])?==([0-9.]+)", (ROOT / "requirements-dev.lock").read_text(), re.MULTILINE)
    return found | set(pins)


def test_there_are_composers_routers_and_clients() -> None:
    assert len(ROWS) == 10


@pytest.mark.parametrize(("name", "version"), ROWS)
def test_the_documented_version_is_the_one_that_is_tested(name: str, version: str) -> None:
    assert (name, version) in locked()
