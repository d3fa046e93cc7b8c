"""Alerts, dashboards and runbooks name what there is: metrics, labels, pages, and each other."""

from __future__ import annotations

import re
import subprocess

import pytest

from gateway.metrics.families import FAMILIES, MetricType
from tests.meta.test_documented import anchors, rows
from tests.metrics.dashboards import dashboards, panels
from tests.metrics.prometheus import OPERATIONS, RULES
from tests.packages import program

RUNBOOKS = OPERATIONS / "runbooks.md"
RECORDED = re.compile(r"highlights_gateway:\w+")
# A metric with its selector, and the labels of aggregations.
SELECTED = re.compile(r"\b(highlights_gateway_\w+|process_\w+|up)\b(?:\{([^}]*)\})?")
GROUPED = re.compile(r"\bby \(([^)]*)\)")
STANDARD = {"process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds", "process_max_fds", "up"}
OF_TARGET = {"job", "instance"}


def samples() -> dict[str, set[str]]:
    """The labels of all samples, by name."""
    found = {name: {"process"} for name in STANDARD}
    for family in FAMILIES:
        labels = set(family.labels)
        if family.type is MetricType.HISTOGRAM:
            found |= {f"{family.name}_{suffix}": labels for suffix in ("sum", "count")}
            found[f"{family.name}_bucket"] = labels | {"le"}
        else:
            found[family.name] = labels
    return found


def documented() -> dict[str, list[str]]:
    """The queries that the page of the metrics answers questions with."""
    page = (OPERATIONS / "metrics.md").read_text().partition("## Questions to ask")[2]
    return {question: [query] for question, query in re.findall(r"^\| (.+\?) \| `(.+)` \|$", page, re.MULTILINE)}


def expressions() -> dict[str, list[str]]:
    """Of all panels, of all rules, and of the page of the metrics."""
    found = {str(panel): list(panel.expressions) for panel in panels()}
    rules = re.findall(r"- (?:alert|record): (\S+)\n(?: +#.*\n)? +expr: (.+\n(?: {10,}.*\n)*)", RULES.read_text())
    assert documented()
    return found | documented() | {name: [expression] for name, expression in rules}


def problems(expression: str) -> list[str]:
    known, labels = samples(), set(OF_TARGET)
    wrong = []
    for name, selector in SELECTED.findall(RECORDED.sub("", expression)):
        labels |= known.get(name, set())
        wrong += [] if name in known else [name]
        wrong += [f"{name}{{{one}}}" for one in re.findall(r"(\w+)[=!]", selector) if one not in labels]
    groups = [label.strip() for group in GROUPED.findall(expression) for label in group.split(",")]
    return wrong + [f"by {label}" for label in groups if label not in labels]


def test_each_expression_names_metrics_and_labels_that_exist() -> None:
    asked = expressions()
    assert len(asked) > 60
    assert {where: found for where, texts in asked.items() for text in texts if (found := problems(text))} == {}


def test_the_rule_itself_refuses() -> None:
    assert problems("sum by (coed) (rate(highlights_gateway_errors_total[5m]))") == ["by coed"]
    assert problems('highlights_gateway_eror_total{job="a"}') == ["highlights_gateway_eror_total"]
    assert problems('highlights_gateway_errors_total{kind="a"}') == ["highlights_gateway_errors_total{kind}"]


def test_dashboards_can_be_imported_beside_each_other() -> None:
    boards = dashboards().values()
    assert len({board["uid"] for board in boards}) == len({board["title"] for board in boards}) == len(boards) == 5
    for board in boards:
        assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
        assert all(panel["datasource"]["uid"] == "${datasource}" for panel in board["panels"])
        places = [tuple(panel["gridPos"].values()) for panel in board["panels"]]
        assert len(set(places)) == len(places)


def sections(text: str) -> dict[str, str]:
    return dict(re.findall(r"^### (\w+)\n(.*?)(?=^##|\Z)", text, re.MULTILINE | re.DOTALL))


def test_each_alert_and_each_error_code_has_a_runbook() -> None:
    alerts = set(re.findall(r"- alert: (\w+)", RULES.read_text()))
    codes = {row[0].strip("`") for row in rows("errors.md")}
    found = sections(RUNBOOKS.read_text())
    assert found.keys() == alerts | codes
    for name, text in found.items():
        assert re.findall(r"^- \*\*(\w[\w ]*)\*\*: .+", text, re.MULTILINE) == ["Meaning", "Look at", "Do"], name


def test_runbooks_ask_for_metrics_that_exist() -> None:
    asked = re.findall(r"`([^`]*highlights_gateway_[^`]*)`", RUNBOOKS.read_text())
    names = {family.name for family in FAMILIES} | samples().keys()
    assert len(asked) > 10
    assert [text for text in asked if {name for name, _ in SELECTED.findall(text)} - names] == []


def test_each_alert_leads_to_its_runbook() -> None:
    text = RULES.read_text()
    alerts = re.findall(r"- alert: (\w+)", text)
    assert re.findall(r"runbook: (\S+)", text) == [f"docs/operations/runbooks.md#{name.lower()}" for name in alerts]
    assert {name.lower() for name in alerts} <= anchors(RUNBOOKS)
    assert len(re.findall(r"severity: (?:page|ticket)\n", text)) == len(alerts)
    assert len(re.findall(r"^ +summary: ", text, re.MULTILINE)) == len(alerts)


@pytest.mark.parametrize("arguments", [("check", "rules", "rules.yml"), ("test", "rules", "rules_test.yml")])
def test_promtool_accepts_the_rules(arguments: tuple[str, ...]) -> None:
    checked = subprocess.run(
        [program("promtool"), *arguments], cwd=RULES.parent, capture_output=True, text=True, timeout=60, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_each_alert_is_tested_both_ways() -> None:
    """When it fires, and when it does not yet."""
    tests = (RULES.parent / "rules_test.yml").read_text()
    for name in re.findall(r"- alert: (\w+)", RULES.read_text()):
        assert re.search(rf"alertname: {name}\n +exp_alerts:", tests), name
        if name != "BalanceAtFloor":
            assert re.search(rf"eval_time: \w+, alertname: {name}\}}", tests), name


def test_the_page_of_alerts_lists_them_with_their_severity() -> None:
    severities = re.findall(r"- alert: (\w+)\n.*?severity: (\w+)\n", RULES.read_text(), re.DOTALL)
    listed = re.findall(r"^\| `(\w+)` \|.*\| (\w+) \|$", (OPERATIONS / "dashboards.md").read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(severities) != []
