"""The presenter of workflows: from a recorded workflow to the view for its client."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import assert_never

import msgspec

from gateway.durable.port import Fault, Json, Record, Status, StepRecord, StepState
from gateway.errors import Forbidden
from gateway.publishing.commands import (
    CreateHighlight,
    DeleteHighlight,
    HighlightCommand,
    UpdateHighlight,
    highlight_of,
    media_of,
)
from gateway.publishing.step_kinds import Act
from gateway.publishing.views import FlowKind, FlowState, StepReceipt, WorkflowView

ORDERS: dict[str, tuple[FlowKind, type[HighlightCommand]]] = {
    "create_highlight": (FlowKind.CREATE, CreateHighlight),
    "update_highlight": (FlowKind.UPDATE, UpdateHighlight),
    "delete_highlight": (FlowKind.DELETE, DeleteHighlight),
}
NAMES = {kind: name for name, (kind, _) in ORDERS.items()}


@dataclass(frozen=True, slots=True)
class Phase:
    """The meaning of steps of one kind: the workflow's state, and its progress before and after them.

    `is_effect`: the step performs the command. `follows`: it verifies the effect. `is_marked`: a mark is recorded
    before it, together with a check of rights. `each`: there is one step per medium, which creates `makes` upstream.
    """

    state: FlowState
    before: float
    after: float
    is_effect: bool = False
    follows: bool = False
    is_marked: bool = False
    each: bool = False
    makes: str | None = None


PHASES = {
    Act.QUOTA: Phase(FlowState.RECEIVED, 0.0, 0.0),
    Act.UPLOAD: Phase(FlowState.UPLOADING, 0.0, 0.4, each=True, makes="container"),
    Act.PROCESS: Phase(FlowState.PROCESSING, 0.4, 0.7, each=True),
    Act.PUBLISH: Phase(FlowState.PUBLISHING, 0.7, 0.9, each=True, makes="story"),
    Act.PREPARE: Phase(FlowState.CREATING, 0.9, 0.9),
    Act.CREATE: Phase(FlowState.CREATING, 0.9, 0.95, is_effect=True, is_marked=True),
    Act.EDIT: Phase(FlowState.CREATING, 0.9, 0.95, is_effect=True, is_marked=True),
    Act.DELETE: Phase(FlowState.CREATING, 0.9, 0.95, is_effect=True),
    Act.CONFIRM: Phase(FlowState.CREATING, 0.95, 0.99, follows=True),
    Act.CHECK: Phase(FlowState.CREATING, 0.99, 0.99, follows=True),
}
# For a step that another version recorded: its meaning is unknown, so it may have performed the command.
UNKNOWN = Phase(FlowState.RECEIVED, 0.0, 0.0, is_effect=True, is_marked=True)
# Errors that are final for the upstream, but can be remedied, after which a retry of the workflow can succeed.
RETRYABLE_CODES = frozenset(
    {
        "ACCOUNT_DISCONNECTED",
        "PERMISSION_MISSING",
        "PUBLISHING_QUOTA_EXHAUSTED",
        "CONTAINER_EXPIRED",
        "UPSTREAM_ROUTE_MISSING",
        "INTERNAL_SERVER_ERROR",
        "FORBIDDEN",
    }
)
EXPIRY = {
    "container": "a container, unpublished: it expires by itself 24 hours after its upload",
    "story": "a story that is in no highlight: it dies by itself 24 hours after its publication",
}


def is_known(record: Record) -> bool:
    """Return whether this version knows the workflow's kind: others that share the store may record new kinds."""
    return record.name in ORDERS


def order_of(record: Record) -> HighlightCommand:
    """Return the recorded command."""
    return msgspec.convert(record.input, ORDERS[record.name][1])


def receipt_of(record: Record, *, keys_are_known: bool) -> WorkflowView:
    """Return the view of a workflow. `keys_are_known`: the upstream supports idempotency keys."""
    order = order_of(record)
    output = record.output or {}
    pk = highlight_of(order) or record.notes.get("highlight")
    return WorkflowView(
        id=record.id,
        kind=ORDERS[record.name][0],
        account=order.account,
        state=_state(record),
        progress=_progress(record, order),
        steps=tuple(_step(step) for step in record.steps),
        highlight_pk=pk,
        fault=record.fault,
        retryable=may_be_retried(record),
        skipped=tuple(output.get("skipped", ())),
        leftovers=tuple(_leftovers(record)),
        warnings=(
            *output.get("warnings", ()),
            *_uncertain_effects(record),
            *(() if keys_are_known else _repeated_publications(record)),
        ),
        created_at=record.created_at,
        updated_at=record.updated_at,
    )


def may_be_retried(record: Record) -> bool:
    """Return whether the workflow has ended in a way that a retry can change."""
    match record.status:
        case Status.FAILED:
            return record.fault is not None and may_be_mended(record.fault)
        case Status.CANCELLED:
            return True
        case Status.RUNNING | Status.DONE:
            return False
        case _:
            assert_never(record.status)


def may_be_mended(fault: Fault) -> bool:
    """Return whether a retry after this fault can succeed."""
    return fault.retryable or fault.code in RETRYABLE_CODES


def needs_files(record: Record) -> bool:
    """Return whether the workflow may still need its files in the spool."""
    return record.status is Status.RUNNING or may_be_retried(record)


def is_past_cancelling(record: Record) -> bool:
    """Return whether the workflow's last effect has started, so that the command may have been performed."""
    last = _phase(record.steps[-1]) if record.steps else None
    return last is not None and (last.is_effect or last.follows)


def is_to_be_settled(record: Record) -> bool:
    """Return whether an ended workflow has yet to find out if its last effect has happened; a retry does."""
    return _is_in_doubt(record) or bool(record.steps and _phase(record.steps[-1]).follows)


def _is_in_doubt(record: Record) -> bool:
    if record.status not in (Status.FAILED, Status.CANCELLED) or not record.steps:
        return False
    last = record.steps[-1]
    return _phase(last).is_effect and _may_have_happened(last)


def _may_have_happened(step: StepRecord) -> bool:
    """Return whether the step may have had its effect, as its response may be lost.

    A step that is Forbidden now may have been sent while it was allowed: in an earlier attempt or, for a marked step,
    in an earlier run whose attempts a retry has deleted.
    """
    if step.fault is not None and step.fault.code == Forbidden.code:
        return step.attempts > 1 or _phase(step).is_marked
    return step.fault is None or step.fault.retryable


def _phase(step: StepRecord) -> Phase:
    act = Act.of(step.name)
    return UNKNOWN if act is None else PHASES[act]


def _step(step: StepRecord) -> StepReceipt:
    return StepReceipt(step.name, step.medium, step.state, step.attempts, step.started_at, step.finished_at, step.fault)


def _state(record: Record) -> FlowState:
    match record.status:
        case Status.DONE:
            return FlowState.DONE
        case Status.FAILED:
            return FlowState.FAILED
        case Status.CANCELLED:
            return FlowState.CANCELLED
        case Status.RUNNING:
            known = [phase for step in record.steps if (phase := _phase(step)) is not UNKNOWN]
            return known[-1].state if known else FlowState.RECEIVED
        case _:
            assert_never(record.status)


def _progress(record: Record, order: HighlightCommand) -> float:
    """Return the progress from 0 to 1. Repeated steps do not count again, so that progress never decreases."""
    if record.status is Status.DONE:
        return 1.0
    phases = map(_phase, record.steps)
    furthest = max(phases, key=lambda phase: (phase.before, phase.after), default=PHASES[Act.QUOTA])
    ended = {step.medium for step in record.steps if _phase(step) is furthest and step.state is not StepState.RUNNING}
    whole = len(media_of(order)) if furthest.each else 1
    return furthest.before + (furthest.after - furthest.before) * min(1.0, len(ended) / max(1, whole))


def _leftovers(record: Record) -> Iterator[str]:
    """Yield the objects that are in no highlight, and when they expire: none of them can be removed upstream."""
    if record.status is Status.DONE:
        yield from map(_leftover, record.output["surplus"])
    elif record.status.is_final:
        made = record.notes.get("made", [])
        yield from map(_leftover, made)
        yield from _unidentified(record, {(item["kind"], item["medium"]) for item in made})


def _leftover(item: Json) -> str:
    return f"{_owner(item['medium'])}: {item['kind']} {item['id']}, {EXPIRY[item['kind']]}."


def _unidentified(record: Record, known: set[tuple[str, int | None]]) -> Iterator[str]:
    """Yield the objects with unknown ids: their step was interrupted, or its response was lost."""
    for step in record.steps:
        kind = _phase(step).makes
        if kind and _may_have_happened(step) and not known & {(kind, step.medium), ("story", step.medium)}:
            yield f"{_owner(step.medium)}: perhaps {EXPIRY[kind]}."


def _owner(medium: int | None) -> str:
    return "Of the cover" if medium is None else f"Of medium {medium}"


def _uncertain_effects(record: Record) -> Iterator[str]:
    if _is_in_doubt(record):
        yield "What was ordered may have been done all the same: retry the flow to find out."


def _repeated_publications(record: Record) -> Iterator[str]:
    for step in record.steps:
        if _phase(step).makes and step.attempts > 1:
            yield f"{_owner(step.medium)}: perhaps one more story, as an answer was lost: it dies within 24 hours."
