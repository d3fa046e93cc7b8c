"""docs/security.md promises nothing that no test holds."""

from __future__ import annotations

import re

from tests.meta.tree import ROOT


def test_each_line_names_a_test_that_exists() -> None:
    rows = [line for line in (ROOT / "docs/security.md").read_text().splitlines() if line.startswith("| ")][1:]
    named = [re.search(r"`(tests/[\w/]+\.py)::(\w+)` \|$", row) for row in rows]
    assert len(rows) > 20
    for row, test in zip(rows, named, strict=True):
        assert test, row
        assert f"def {test[2]}(" in (ROOT / test[1]).read_text(), row
