"""The hooks of pre-commit and the hosted CI run what everybody runs."""

from __future__ import annotations

import re

from tests.meta.tree import ROOT

HOOKS = ROOT / ".pre-commit-config.yaml"


def test_the_hooks_are_the_parts_of_make_check() -> None:
    (recipe,) = re.findall(r"^check:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    parts = [line.strip().replace("$(BIN)", ".venv/bin") for line in recipe.splitlines()]
    assert re.findall(r"^ +entry: (.+)$", HOOKS.read_text(), re.MULTILINE) == parts
