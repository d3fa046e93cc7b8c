"""The files of `deploy/`, read."""

from __future__ import annotations

from typing import Any

import yaml

from tests.meta.tree import ROOT

DEPLOY = ROOT / "deploy"
RULES = ROOT / "docs/operations/alerts/rules.yml"
DASHBOARDS = ROOT / "docs/operations/dashboards"
KUBERNETES = sorted((DEPLOY / "kubernetes").glob("*.yaml"))


def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return found


def resources() -> dict[str, dict[str, Any]]:
    """The Kubernetes resources by kind."""
    documents = [one for path in KUBERNETES for one in yaml.safe_load_all(path.read_text())]
    assert len({one["kind"] for one in documents}) == len(documents)
    return {one["kind"]: one for one in documents}


def unit() -> dict[str, list[str]]:
    """The directives of the systemd unit, each with all of its values."""
    found: dict[str, list[str]] = {}
    for line in (DEPLOY / "highlights-gateway.service").read_text().splitlines():
        name, sign, value = line.partition("=")
        if sign and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found
