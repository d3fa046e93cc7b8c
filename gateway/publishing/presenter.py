"""The presenter of workflows: from a recorded workflow to the view for its client."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, assert_never

from gateway.durable.port import Fault, Record, Status, StepRecord, StepState
from gateway.errors import Forbidden
from gateway.publishing.commands import Command
from gateway.publishing.phases import UNKNOWN, FlowState, Phase
from gateway.publishing.recorded import Notes, UpstreamObject, WorkflowOutput, from_json
from gateway.publishing.registry import FlowKind
from gateway.publishing.views import StepView, WorkflowView
from gateway.publishing.write import Write

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
        "UNSUPPORTED_BY_PLATFORM",
    }
)
EXPIRY = {
    "container": "a container, unpublished: it expires by itself 24 hours after its upload",
    "story": "a story that is in no highlight: it dies by itself 24 hours after its publication",
}


def is_known(record: Record) -> bool:
    """Return whether this version knows the workflow's kind: others that share the store may record new kinds."""
    return FlowKind.named(record.name) is not None


def kind_of(record: Record) -> FlowKind:
    """Return the kind of a workflow that this version knows."""
    kind = FlowKind.named(record.name)
    if kind is None:
        raise LookupError(f"no write is called {record.name}")
    return kind


def command_of(record: Record) -> Command:
    """Return the recorded command."""
    command: Command = from_json(record.input, kind_of(record).row.command)
    return command


def view_of(record: Record, *, keys_are_known: bool) -> WorkflowView:
    """Return the view of a workflow. `keys_are_known`: the upstream supports idempotency keys."""
    kind = kind_of(record)
    row = kind.row
    command = command_of(record)
    phases = [row.phase_of(step.name) for step in record.steps]
    notes = _notes(record)
    output = from_json(record.output, WorkflowOutput) if record.output else None
    return WorkflowView(
        id=record.id,
        kind=kind,
        account=command.account,
        state=_state(record, phases),
        progress=_progress(record, row, phases, command),
        steps=tuple(_step(step) for step in record.steps),
        entity=row.reference(command.entity_id or notes.entity_id),
        fault=record.fault,
        retryable=may_be_retried(record),
        skipped=output.skipped if output else (),
        leftovers=tuple(_leftovers(record, phases, notes, output)),
        warnings=(
            *(output.warnings if output else ()),
            *_uncertain_effects(record, phases),
            *(() if keys_are_known else _repeated_publications(record, phases)),
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
    last = _last_phase(record)
    return last is not None and (last.is_effect or last.follows)


def is_effect_uncertain(record: Record) -> bool:
    """Return whether an ended workflow has yet to find out if its last effect has happened; a retry does."""
    last = _last_phase(record)
    return last is not None and (_is_in_doubt(record, last) or last.follows)


def _is_in_doubt(record: Record, last: Phase) -> bool:
    """Return whether the effect may have happened in an ended workflow whose last step is of the phase `last`."""
    has_ended = record.status in (Status.FAILED, Status.CANCELLED)
    return has_ended and last.is_effect and _may_have_happened(last, record.steps[-1])


def _may_have_happened(phase: Phase, step: StepRecord) -> bool:
    """Return whether the step may have had its effect, as its response may be lost.

    A step that is Forbidden now may have been sent while it was allowed: in an earlier attempt or, for a marked step,
    in an earlier run whose attempts a retry has deleted.
    """
    if step.fault is not None and step.fault.code == Forbidden.code:
        return step.attempts > 1 or phase.is_marked
    return step.fault is None or step.fault.retryable


def _last_phase(record: Record) -> Phase | None:
    return kind_of(record).row.phase_of(record.steps[-1].name) if record.steps else None


def _notes(record: Record) -> Notes:
    return from_json(dict(record.notes), Notes)


def _step(step: StepRecord) -> StepView:
    return StepView(step.name, step.medium, step.state, step.attempts, step.started_at, step.finished_at, step.fault)


def _state(record: Record, phases: Sequence[Phase]) -> FlowState:
    match record.status:
        case Status.DONE:
            return FlowState.DONE
        case Status.FAILED:
            return FlowState.FAILED
        case Status.CANCELLED:
            return FlowState.CANCELLED
        case Status.RUNNING:
            known = [phase for phase in phases if phase is not UNKNOWN]
            return known[-1].state if known else FlowState.RECEIVED
        case _:
            assert_never(record.status)


def _progress(record: Record, row: Write[Any, Any], phases: Sequence[Phase], command: Command) -> float:
    """Return the progress from 0 to 1. Repeated steps do not count again, so that progress never decreases."""
    if record.status is Status.DONE:
        return 1.0
    furthest = max(phases, key=row.span_of, default=UNKNOWN)
    ended = {
        step.medium
        for step, phase in zip(record.steps, phases, strict=True)
        if phase is furthest and step.state is not StepState.RUNNING
    }
    total = len(command.media) if furthest.each else 1
    before, after = row.span_of(furthest)
    return before + (after - before) * min(1.0, len(ended) / max(1, total))


def _leftovers(record: Record, phases: Sequence[Phase], notes: Notes, output: WorkflowOutput | None) -> Iterator[str]:
    """Yield the objects that are in no highlight, and when they expire: none of them can be removed upstream."""
    if output is not None:
        yield from map(_leftover, output.surplus)
    elif record.status.is_final:
        yield from map(_leftover, notes.made)
        yield from _unidentified(record, phases, {(item.kind, item.medium) for item in notes.made})


def _leftover(item: UpstreamObject) -> str:
    return f"{_owner(item.medium)}: {item.kind} {item.id}, {EXPIRY[item.kind]}."


def _unidentified(record: Record, phases: Sequence[Phase], known: set[tuple[str, int | None]]) -> Iterator[str]:
    """Yield the objects with unknown ids: their step was interrupted, or its response was lost."""
    for step, phase in zip(record.steps, phases, strict=True):
        if phase.makes is None or not _may_have_happened(phase, step):
            continue
        if not known & {(phase.makes, step.medium), ("story", step.medium)}:
            yield f"{_owner(step.medium)}: perhaps {EXPIRY[phase.makes]}."


def _owner(medium: int | None) -> str:
    return "Of the cover" if medium is None else f"Of medium {medium}"


def _uncertain_effects(record: Record, phases: Sequence[Phase]) -> Iterator[str]:
    if phases and _is_in_doubt(record, phases[-1]):
        yield "What was ordered may have been done all the same: retry the flow to find out."


def _repeated_publications(record: Record, phases: Sequence[Phase]) -> Iterator[str]:
    for step, phase in zip(record.steps, phases, strict=True):
        if phase.makes and step.attempts > 1:
            yield f"{_owner(step.medium)}: perhaps one more story, as an answer was lost: it dies within 24 hours."
