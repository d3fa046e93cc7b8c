"""The tables of clients and routers name what the tests install, in the versions of their locks."""

from __future__ import annotations

import json
import re

import pytest

from tests.meta.tree import ROOT

LOCKS = ("tests/node/routers/package-lock.json", "tests/node/clients/package-lock.json")
ROWS = re.findall(r"^\| `([^`]+)` \| ([0-9.]+) \|", (ROOT / "docs/conformance.md").read_text(), re.MULTILINE)


def locked() -> dict[str, str]:
    found: dict[str, str] = {}
    for lock in LOCKS:
        packages = json.loads((ROOT / lock).read_text())["packages"]
        found |= {
            place.removeprefix("node_modules/"): package["version"] for place, package in packages.items() if place
        }
    pins = re.findall(r"^(gql)(?:\[[^]]*\])?==([0-9.]+)", (ROOT / "requirements-dev.lock").read_text(), re.MULTILINE)
    return found | dict(pins)


def test_there_are_composers_routers_and_clients() -> None:
    assert len(ROWS) == 9


@pytest.mark.parametrize(("name", "version"), ROWS)
def test_the_documented_version_is_the_one_that_is_tested(name: str, version: str) -> None:
    assert locked()[name] == version


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_registry(lock: str) -> None:
    packages = json.loads((ROOT / lock).read_text())["packages"]
    assert [place for place, package in packages.items() if "resolved" in package] == []
