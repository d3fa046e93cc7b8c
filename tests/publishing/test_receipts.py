"""A receipt can be read whatever version of the gateway recorded the steps of its flow."""

from __future__ import annotations

import ast
import dataclasses
import re
from typing import Any, assert_never

import msgspec
import pytest

from gateway.domain.rights import WRITING
from gateway.durable.port import Fault, Record, Status, StepRecord, StepState
from gateway.publishing.commands import Command, CreateHighlight, DeleteHighlight, MediumSpec, UpdateHighlight
from gateway.publishing.create_highlight import CREATE
from gateway.publishing.media_item import MediaItem
from gateway.publishing.phases import PUBLISH, UPLOAD, FlowState
from gateway.publishing.presenter import is_effect_uncertain, is_past_cancelling, view_of
from gateway.publishing.registry import FlowKind
from gateway.publishing.set_like import SetLike
from gateway.publishing.views import WorkflowView
from gateway.publishing.write import Effect
from tests.meta.tree import ROOT, trees

LINK = MediumSpec(url="https://media.test/a.jpg")
COMMANDS: dict[str, Command] = {
    "create_highlight": CreateHighlight("1", "Title", (LINK, LINK)),
    "update_highlight": UpdateHighlight("1", "100", add=(LINK,)),
    "delete_highlight": DeleteHighlight("1", "100"),
    "set_like": SetLike("1", "100", liked=True),
}
OUTPUT = {"highlight": "100", "skipped": [], "surplus": [], "warnings": []}
RECORDED = {
    "create_highlight": ["quota", "upload", "process", "publish", "prepare", "create", "confirm", "check"],
    "update_highlight": ["quota", "upload", "process", "publish", "prepare", "edit"],
    "delete_highlight": ["delete"],
    "set_like": ["set"],
}
NEW = "approve"  # by a word that no version knows
BROKEN = Fault("UPSTREAM_TIMEOUT", "No answer.", retryable=True)


def step(name: str, state: StepState = StepState.DONE, fault: Fault | None = None) -> StepRecord:
    return StepRecord(name, None, state, 1, 1.0, None if state is StepState.RUNNING else 2.0, fault)


def record(name: str, status: Status, *steps: StepRecord) -> Record:
    output: Any = OUTPUT if status is Status.DONE else None
    fault = BROKEN if status is Status.FAILED else None
    return Record("f", name, status, msgspec.to_builtins(COMMANDS[name]), output, fault, steps, {}, 1.0, 2.0)


def view(name: str, status: Status, *steps: StepRecord) -> WorkflowView:
    return view_of(record(name, status, *steps), keys_are_known=True)


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("status", Status)
def test_a_step_of_another_version_is_shown_by_its_name(name: str, status: Status) -> None:
    found = view(name, status, step("quota"), step(NEW))
    assert [step.name for step in found.steps] == ["quota", NEW]
    assert 0.0 <= found.progress <= 1.0


@pytest.mark.parametrize("name", COMMANDS)
def test_a_step_of_another_version_leaves_state_and_progress_as_they_were(name: str) -> None:
    phase = FlowKind[name.upper()].row.phases[-1]
    before = view(name, Status.RUNNING, step(phase.step()))
    after = view(name, Status.RUNNING, step(phase.step()), step(f"{NEW} cover again (2)"))
    assert (after.state, after.progress) == (before.state, before.progress) == (phase.state, before.progress)
    assert view(name, Status.RUNNING, step(NEW)).state is FlowState.RECEIVED


@pytest.mark.parametrize("status", [Status.FAILED, Status.CANCELLED])
def test_a_step_of_another_version_may_have_done_what_was_ordered(status: Status) -> None:
    """Whoever ended the flow is not told that nothing happened, and it is not ended while it is at that."""
    ended = record("create_highlight", status, step(NEW, StepState.FAILED, BROKEN))
    assert is_effect_uncertain(ended)
    assert any("may have been done" in warning for warning in view_of(ended, keys_are_known=True).warnings)
    assert is_past_cancelling(record("create_highlight", Status.RUNNING, step(NEW, StepState.RUNNING)))


@pytest.mark.parametrize("kind", FlowKind)
def test_each_phase_is_known_by_the_names_of_its_steps(kind: FlowKind) -> None:
    for phase in kind.row.phases:
        for name in (phase.step(), phase.step(3), phase.step(of="cover"), phase.step(2, of="cover")):
            assert kind.row.phase_of(name) is phase
        found = view(kind.row.name, Status.RUNNING, step(phase.step(), StepState.RUNNING))
        assert found.state is phase.state


@pytest.mark.parametrize("kind", FlowKind)
def test_the_shares_of_the_phases_leave_room_for_the_end(kind: FlowKind) -> None:
    shares = [phase.share for phase in kind.row.phases]
    assert all(share >= 0 for share in shares)
    assert sum(shares) < 100
    assert kind.row.span_of(kind.row.phases[-1])[1] == pytest.approx(sum(shares) / 100)


@pytest.mark.parametrize("kind", FlowKind)
def test_progress_grows_with_each_phase_as_its_row_says(kind: FlowKind) -> None:
    seen = [0.0]
    for position, phase in enumerate(kind.row.phases):
        names = [earlier.step() for earlier in kind.row.phases[:position]]
        found = view(kind.row.name, Status.RUNNING, *map(step, names), step(phase.step(), StepState.RUNNING))
        assert found.progress == pytest.approx(kind.row.span_of(phase)[0], abs=0.21)
        seen.append(found.progress)
    assert seen == sorted(seen)


def test_the_recorded_names_of_writes_and_steps_stay_what_they_are() -> None:
    """DBOS finds the body of a workflow, and the result of a step that was made before an update, by its name."""
    assert {kind.row.name: [phase.step() for phase in kind.row.phases] for kind in FlowKind} == RECORDED
    cover, second = MediaItem(None, LINK), MediaItem(1, LINK)
    second.generation = 2
    assert CREATE.step(1) == "create again (1)"
    assert [cover.step(UPLOAD), second.step(PUBLISH)] == ["upload cover", "publish again (2)"]


def test_no_workflow_makes_a_step_by_a_word_of_its_own() -> None:
    modules = [tree for path, tree in trees() if path.parts[:2] == ("gateway", "publishing")]
    calls = [node for tree in modules for node in ast.walk(tree) if isinstance(node, ast.Call)]
    names = [ast.unparse(call.args[0]) for call in calls if ast.unparse(call.func) == "Step"]
    words = {phase.word for kind in FlowKind for phase in kind.row.phases}
    assert len(names) >= len(words) - 3  # those of media share one
    assert not [name for name in names if ".step(" not in name]


@pytest.mark.parametrize("kind", FlowKind)
def test_a_row_is_whole(kind: FlowKind) -> None:
    """Its name is the kind's, its last effect is one phase, and what needs a key has one that is required."""
    row = kind.row
    assert row.name == kind.name.lower()
    assert sum(phase.is_effect for phase in row.phases) == 1
    assert row.right in WRITING
    assert FlowKind.of(COMMANDS[row.name]) is kind
    key = {field.name: field.default for field in dataclasses.fields(row.input)}.get("idempotency_key")
    match row.effect:
        case Effect.STATE:
            assert key is None
        case Effect.EVENT:
            assert key is dataclasses.MISSING
        case Effect.WORKFLOW:
            assert key is dataclasses.MISSING or COMMANDS[row.name].entity_id is not None
        case _:
            assert_never(row.effect)


def test_the_document_has_each_row_as_it_is() -> None:
    text = (ROOT / "docs/publishing.md").read_text()
    documented = re.findall(r"^\| `(\w+)` \| (\w+) \| `(\w+)` \| ([\w, ]+) \| (.+) \|$", text, re.MULTILINE)
    assert documented == [row_of(kind) for kind in FlowKind]


def row_of(kind: FlowKind) -> tuple[str, ...]:
    row = kind.row
    head, *rest = row.name.split("_")
    mutation = head + "".join(word.capitalize() for word in rest)
    phases = [f"{phase.word} {phase.share} %" if phase.share else phase.word for phase in row.phases]
    stale = ", ".join(sorted(entry.value for entry in row.invalidates)) or "none"
    return mutation, row.effect.value, row.right.value, stale, ", ".join(phases)
