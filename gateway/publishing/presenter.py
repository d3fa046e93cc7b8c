"""What a flow's record says to its client."""

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
    EditHighlight,
    HighlightCommand,
    highlight_of,
    media_of,
)
from gateway.publishing.step_kinds import Act
from gateway.publishing.views import FlowKind, FlowState, StepReceipt, WorkflowView

ORDERS: dict[str, tuple[FlowKind, type[HighlightCommand]]] = {
    "create_highlight": (FlowKind.CREATE, CreateHighlight),
    "update_highlight": (FlowKind.UPDATE, EditHighlight),
    "delete_highlight": (FlowKind.DELETE, DeleteHighlight),
}
NAMES = {kind: name for name, (kind, _) in ORDERS.items()}


@dataclass(frozen=True, slots=True)
class Phase:
    """What steps of one kind stand for: the flow's state, and its progress before and after them.

    `is_effect`: it is what was ordered. `follows`: it looks at what came of that. `is_marked`: a mark is recorded
    before it, and rights are asked with it. `each`: there is one for each medium, which `makes` something upstream.
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
# Of a step that another version recorded: nobody knows what it does, so it may have done what was ordered.
UNKNOWN = Phase(FlowState.RECEIVED, 0.0, 0.0, is_effect=True, is_marked=True)
# Final for the upstream, but something can be done about it, and then the flow can go on.
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
FATE = {
    "container": "a container, unpublished: it expires by itself 24 hours after its upload",
    "story": "a story that is in no highlight: it dies by itself 24 hours after its publication",
}


def is_known(record: Record) -> bool:
    """Whether this version can tell of it: another one that shares the store may have recorded other kinds of flows."""
    return record.name in ORDERS


def order_of(record: Record) -> HighlightCommand:
    return msgspec.convert(record.input, ORDERS[record.name][1])


def receipt_of(record: Record, *, keys_are_known: bool) -> WorkflowView:
    """`keys_are_known`: the upstream knows a repeated request by its idempotency key."""
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
        warnings=(*output.get("warnings", ()), *_doubts(record), *(() if keys_are_known else _repeats(record))),
        created_at=record.created_at,
        updated_at=record.updated_at,
    )


def may_be_retried(record: Record) -> bool:
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
    return fault.retryable or fault.code in RETRYABLE_CODES


def needs_files(record: Record) -> bool:
    """Whether what it ordered from the spool is still wanted."""
    return record.status is Status.RUNNING or may_be_retried(record)


def is_past_cancelling(record: Record) -> bool:
    """Its last effect is under way, or done: what it was ordered for may have happened."""
    last = _phase(record.steps[-1]) if record.steps else None
    return last is not None and (last.is_effect or last.follows)


def is_to_be_settled(record: Record) -> bool:
    """It has ended, and its last effect may have happened all the same: by going on the flow will know."""
    return _is_in_doubt(record) or bool(record.steps and _phase(record.steps[-1]).follows)


def _is_in_doubt(record: Record) -> bool:
    if record.status not in (Status.FAILED, Status.CANCELLED) or not record.steps:
        return False
    last = record.steps[-1]
    return _phase(last).is_effect and _may_have_happened(last)


def _may_have_happened(step: StepRecord) -> bool:
    """Its answer may be lost. Who lost the right to send it may have sent it before: of what is marked ahead, also in a
    run whose attempts a retry has forgotten."""
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
    """What is made again does not count again, so that progress does not go back."""
    if record.status is Status.DONE:
        return 1.0
    phases = map(_phase, record.steps)
    furthest = max(phases, key=lambda phase: (phase.before, phase.after), default=PHASES[Act.QUOTA])
    ended = {step.medium for step in record.steps if _phase(step) is furthest and step.state is not StepState.RUNNING}
    whole = len(media_of(order)) if furthest.each else 1
    return furthest.before + (furthest.after - furthest.before) * min(1.0, len(ended) / max(1, whole))


def _leftovers(record: Record) -> Iterator[str]:
    """What is in no highlight, and what becomes of it: none of it can be removed upstream."""
    if record.status is Status.DONE:
        yield from map(_leftover, record.output["surplus"])
    elif record.status.is_final:
        made = record.notes.get("made", [])
        yield from map(_leftover, made)
        yield from _untold(record, {(thing["kind"], thing["medium"]) for thing in made})


def _leftover(thing: Json) -> str:
    return f"{_owner(thing['medium'])}: {thing['kind']} {thing['id']}, {FATE[thing['kind']]}."


def _untold(record: Record, told: set[tuple[str, int | None]]) -> Iterator[str]:
    """Of steps whose phase was broken off, or whose answer was lost, nobody knows the ids."""
    for step in record.steps:
        kind = _phase(step).makes
        if kind and _may_have_happened(step) and not told & {(kind, step.medium), ("story", step.medium)}:
            yield f"{_owner(step.medium)}: perhaps {FATE[kind]}."


def _owner(medium: int | None) -> str:
    return "Of the cover" if medium is None else f"Of medium {medium}"


def _doubts(record: Record) -> Iterator[str]:
    if _is_in_doubt(record):
        yield "What was ordered may have been done all the same: retry the flow to find out."


def _repeats(record: Record) -> Iterator[str]:
    for step in record.steps:
        if _phase(step).makes and step.attempts > 1:
            yield f"{_owner(step.medium)}: perhaps one more story, as an answer was lost: it dies within 24 hours."
