"""The hooks of pre-commit and the hosted CI run what everybody runs."""

from __future__ import annotations

import re
import tomllib

import pytest

from tests.meta.tree import ROOT

HOOKS = ROOT / ".pre-commit-config.yaml"


def test_the_hooks_are_the_parts_of_make_check() -> None:
    (recipe,) = re.findall(r"^check:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    parts = [line.strip().replace("$(BIN)", ".venv/bin") for line in recipe.splitlines()]
    assert re.findall(r"^ +entry: (.+)$", HOOKS.read_text(), re.MULTILINE) == parts


@pytest.mark.parametrize("file", [".github/workflows/ci.yml", ".gitlab-ci.yml"])
def test_hosted_ci_runs_what_everybody_runs_on_the_oldest_and_the_newest_python(file: str) -> None:
    text = (ROOT / file).read_text()
    assert re.search(r"^ +- (run: )?\.ci/run$", text, re.MULTILINE)
    classifiers = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["classifiers"]
    minors = sorted(int(found[1]) for one in classifiers if (found := re.search(r":: 3\.(\d+)$", one)))
    assert re.findall(r'"3\.(\d+)"', text) == [str(minors[0]), str(minors[-1])]
