"""The table of metrics: its names, and the document that shows it."""

from __future__ import annotations

import re

from gateway.metrics.families import FAMILIES, PREFIX, MetricType
from tests.metrics.table import DOCUMENT, written

# The base units of Prometheus that are in use, and `requests`: what the upstream bills by.
UNITS = ("seconds", "bytes", "requests")
WITHOUT_UNIT = re.compile(r".*_(state|length|writable|reachable|info|connections|streams)|flows")


def test_the_document_shows_the_table() -> None:
    """`python -m tests.metrics.table` writes it."""
    assert DOCUMENT.read_text() == written(DOCUMENT.read_text())
    assert DOCUMENT.read_text().count(f"\n| `{PREFIX}") == len(FAMILIES)


def test_names_follow_the_conventions_of_prometheus() -> None:
    assert len({family.name for family in FAMILIES}) == len(FAMILIES)
    for family in FAMILIES:
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", family.suffix), family.name
        assert (family.type is MetricType.COUNTER) == family.suffix.endswith("_total"), family.name
        if family.type is MetricType.HISTOGRAM:
            assert family.suffix.endswith("_seconds"), family.name
            assert list(family.buckets) == sorted(set(family.buckets)), family.name
        elif family.type is MetricType.GAUGE:
            assert family.suffix.endswith(UNITS) or WITHOUT_UNIT.fullmatch(family.suffix), family.name


def test_each_is_explained_in_one_sentence() -> None:
    assert [family.name for family in FAMILIES if not re.fullmatch(r"[A-Z0-9].*\.", family.help)] == []
