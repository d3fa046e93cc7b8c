"""The dashboards of docs/operations/dashboards, as Grafana reads them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.meta.tree import ROOT

FOLDER = ROOT / "docs/operations/dashboards"
# What Grafana puts in the place of its variables: all instances, and a multiple of the scrape interval.
VARIABLES = {"$__rate_interval": "1m", "$instance": ".*"}


@dataclass(frozen=True, slots=True)
class Panel:
    dashboard: str
    title: str
    expressions: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.dashboard}: {self.title}"

    def asked(self) -> Iterator[str]:
        """The expressions as Prometheus gets them."""
        for expression in self.expressions:
            for variable, value in VARIABLES.items():
                expression = expression.replace(variable, value)
            yield expression


def dashboards() -> dict[Path, dict[str, Any]]:
    return {path: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}


def panels() -> list[Panel]:
    return [
        Panel(path.stem, panel["title"], tuple(target["expr"] for target in panel["targets"]))
        for path, dashboard in dashboards().items()
        for panel in dashboard["panels"]
    ]
