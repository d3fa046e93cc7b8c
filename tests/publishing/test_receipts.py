"""A receipt can be read whatever version of the gateway recorded the steps of its flow."""

from __future__ import annotations

import ast
from typing import Any

import msgspec
import pytest

from gateway.durable.port import Fault, Record, Status, StepRecord, StepState
from gateway.publishing.commands import CreateHighlight, DeleteHighlight, HighlightCommand, MediumSpec, UpdateHighlight
from gateway.publishing.media_item import MediaItem
from gateway.publishing.presenter import PHASES, is_past_cancelling, is_to_be_settled, receipt_of
from gateway.publishing.step_kinds import Act
from gateway.publishing.views import FlowState, WorkflowView
from tests.meta.tree import trees

LINK = MediumSpec(url="https://media.test/a.jpg")
ORDERS: dict[str, HighlightCommand] = {
    "create_highlight": CreateHighlight("1", "Title", (LINK, LINK)),
    "update_highlight": UpdateHighlight("1", "100", add=(LINK,)),
    "delete_highlight": DeleteHighlight("1", "100"),
}
OUTPUT = {"highlight": "100", "skipped": [], "surplus": [], "warnings": []}
NEW = "approve"  # by a word that no version knows
BROKEN = Fault("UPSTREAM_TIMEOUT", "No answer.", retryable=True)


def step(name: str, state: StepState = StepState.DONE, fault: Fault | None = None) -> StepRecord:
    return StepRecord(name, None, state, 1, 1.0, None if state is StepState.RUNNING else 2.0, fault)


def record(name: str, status: Status, *steps: StepRecord) -> Record:
    output: Any = OUTPUT if status is Status.DONE else None
    fault = BROKEN if status is Status.FAILED else None
    return Record("f", name, status, msgspec.to_builtins(ORDERS[name]), output, fault, steps, {}, 1.0, 2.0)


def receipt(name: str, status: Status, *steps: StepRecord) -> WorkflowView:
    return receipt_of(record(name, status, *steps), keys_are_known=True)


@pytest.mark.parametrize("name", ORDERS)
@pytest.mark.parametrize("status", Status)
def test_a_step_of_another_version_is_shown_by_its_name(name: str, status: Status) -> None:
    found = receipt(name, status, step("quota"), step(NEW))
    assert [step.name for step in found.steps] == ["quota", NEW]
    assert 0.0 <= found.progress <= 1.0


@pytest.mark.parametrize("name", ORDERS)
def test_a_step_of_another_version_leaves_state_and_progress_as_they_were(name: str) -> None:
    before = receipt(name, Status.RUNNING, step("upload"))
    after = receipt(name, Status.RUNNING, step("upload"), step(f"{NEW} cover again (2)"))
    assert (after.state, after.progress) == (before.state, before.progress) == (FlowState.UPLOADING, before.progress)
    assert receipt(name, Status.RUNNING, step(NEW)).state is FlowState.RECEIVED


@pytest.mark.parametrize("status", [Status.FAILED, Status.CANCELLED])
def test_a_step_of_another_version_may_have_done_what_was_ordered(status: Status) -> None:
    """Whoever ended the flow is not told that nothing happened, and it is not ended while it is at that."""
    ended = record("create_highlight", status, step(NEW, StepState.FAILED, BROKEN))
    assert is_to_be_settled(ended)
    assert any("may have been done" in warning for warning in receipt_of(ended, keys_are_known=True).warnings)
    assert is_past_cancelling(record("create_highlight", Status.RUNNING, step(NEW, StepState.RUNNING)))


@pytest.mark.parametrize("act", Act)
def test_each_act_has_a_phase_and_a_name_that_tells_it(act: Act) -> None:
    for name in (act.step(), act.step(3), act.step(of="cover"), act.step(2, of="cover")):
        assert Act.of(name) is act
    found = receipt("create_highlight", Status.RUNNING, step(act.step(), StepState.RUNNING))
    assert found.state is PHASES[act].state


def test_the_recorded_names_of_steps_stay_what_they_are() -> None:
    """DBOS finds the result of a step that was made before an update by its name."""
    cover, second = MediaItem(None, LINK), MediaItem(1, LINK)
    second.generation = 2
    assert [act.step() for act in Act] == [
        *("quota", "upload", "process", "publish", "prepare"),
        *("create", "edit", "delete", "confirm", "check"),
    ]
    assert Act.CREATE.step(1) == "create again (1)"
    assert [cover.step(Act.UPLOAD), second.step(Act.PUBLISH)] == ["upload cover", "publish again (2)"]


def test_no_flow_makes_a_step_by_a_word_of_its_own() -> None:
    flows = [tree for path, tree in trees() if path.parts[:2] == ("gateway", "publishing")]
    calls = [node for tree in flows for node in ast.walk(tree) if isinstance(node, ast.Call)]
    names = [ast.unparse(call.args[0]) for call in calls if ast.unparse(call.func) == "Step"]
    assert len(names) >= len(Act) - 3  # those of media share one
    assert not [name for name in names if ".step(" not in name]
