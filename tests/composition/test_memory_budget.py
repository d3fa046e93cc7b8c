"""Together the caches take what the setting allows, and the documents show the shares that they have."""

from __future__ import annotations

import re
from pathlib import Path

from gateway.composition.memory_budget import PARTS, MemoryBudget

ARCHITECTURE = Path(__file__).parents[2] / "docs/architecture.md"


def test_the_shares_are_the_whole() -> None:
    total = PARTS * 1_000 + 31
    assert sum(vars(MemoryBudget(total)).values()) == total


def test_the_architecture_document_shows_the_shares() -> None:
    shown = [int(parts) for parts in re.findall(rf"\| (\d+)/{PARTS}\b", ARCHITECTURE.read_text())]
    assert sorted(shown) == sorted(vars(MemoryBudget(PARTS)).values())
