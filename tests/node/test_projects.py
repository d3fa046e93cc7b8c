"""The projects that Node runs for the tests, and their lock."""

from __future__ import annotations

import json
import time

import pytest

from tests.node import projects

LOCK = json.loads((projects.WORKSPACE / "package-lock.json").read_text())["packages"]
FOLDERS = sorted(path.parent.name for path in projects.WORKSPACE.glob("*/package.json"))


def test_each_folder_with_a_manifest_is_of_the_workspace() -> None:
    assert projects.workspaces(projects.WORKSPACE) == FOLDERS
    assert [LOCK[name].get("dependencies") for name in FOLDERS] == [
        json.loads((projects.WORKSPACE / name / "package.json").read_text())["dependencies"] for name in FOLDERS
    ]


def test_the_lock_names_no_registry() -> None:
    """Only where the projects themselves lie, which npm writes in the same place."""
    resolved = {package["resolved"] for package in LOCK.values() if "resolved" in package}
    assert resolved == set(FOLDERS)


def test_every_package_is_locked_by_its_hash() -> None:
    assert [place for place, package in LOCK.items() if "node_modules/" in place and not known(package)] == []


def known(package: dict[str, object]) -> bool:
    return "integrity" in package or package.get("link") is True or package.get("inBundle") is True


def test_what_is_prepared_is_not_prepared_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever begins a run of tests may ask for it each time."""
    projects.program("npm")
    projects.prepare()
    monkeypatch.setattr(projects, "_checked", None)
    began = time.process_time()
    projects.prepare()
    assert time.process_time() - began < 0.05
