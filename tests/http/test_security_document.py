"""docs/security.md says nothing that no test checks."""

from __future__ import annotations

import re

from tests.meta.tree import ROOT

HEAD = "| attempt | result | test |"


def test_each_line_names_a_test_that_exists() -> None:
    lines = (ROOT / "docs/security.md").read_text().splitlines()
    rows = [line for line in lines if line.startswith("| ") and line != HEAD]
    named = [re.search(r"`(tests/[\w/]+\.py)::(\w+)` \|$", row) for row in rows]
    assert len(rows) > 100
    for row, test in zip(rows, named, strict=True):
        assert test, row
        assert f"def {test[2]}(" in (ROOT / test[1]).read_text(), row
