"""The table of docs/operations/metrics.md. `python -m tests.metrics.table` writes its rows into the document."""

from __future__ import annotations

from gateway.metrics.families import FAMILIES, PREFIX, Family, MetricType
from tests.meta.tree import ROOT

DOCUMENT = ROOT / "docs/operations/metrics.md"
HEAD = "| metric | type | labels | over workers | meaning |\n|---|---|---|---|---|\n"
OVER = {"livesum": "sum", "livemin": "least", "livemax": "most", "livemostrecent": "newest"}


def row(family: Family) -> str:
    labels = ", ".join(f"`{label}`" for label in family.labels)
    over = OVER[family.over_workers.value] if family.type is MetricType.GAUGE else "sum"
    return f"| `{family.name}` | {family.type.value} | {labels} | {over} | {family.help} |\n"


def written(document: str) -> str:
    """The document with the rows as they should be."""
    others = "".join(line for line in document.splitlines(True) if not line.startswith(f"| `{PREFIX}"))
    return others.replace(HEAD, HEAD + "".join(map(row, FAMILIES)))


if __name__ == "__main__":
    DOCUMENT.write_text(written(DOCUMENT.read_text()))
