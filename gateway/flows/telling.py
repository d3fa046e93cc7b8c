"""What a flow's record says to its client."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from gateway.errors import Forbidden
from gateway.flows.durable import Fault, Json, Record, Status, StepRecord, StepState
from gateway.flows.orders import CreateOrder, DeleteOrder, EditOrder, Order
from gateway.flows.receipts import FlowKind, FlowState, Receipt, StepReceipt

ORDERS: dict[str, tuple[FlowKind, type[Order]]] = {
    "create_highlight": (FlowKind.CREATE, CreateOrder),
    "update_highlight": (FlowKind.UPDATE, EditOrder),
    "delete_highlight": (FlowKind.DELETE, DeleteOrder),
}
NAMES = {kind: name for name, (kind, _) in ORDERS.items()}
# By the first word of a step's name: the state it stands for, and the progress before and after it.
PHASES: dict[str, tuple[FlowState, float, float]] = {
    "quota": (FlowState.RECEIVED, 0.0, 0.0),
    "upload": (FlowState.UPLOADING, 0.0, 0.4),
    "process": (FlowState.PROCESSING, 0.4, 0.7),
    "publish": (FlowState.PUBLISHING, 0.7, 0.9),
    "prepare": (FlowState.CREATING, 0.9, 0.9),
    "create": (FlowState.CREATING, 0.9, 0.95),
    "edit": (FlowState.CREATING, 0.9, 0.95),
    "delete": (FlowState.CREATING, 0.9, 0.95),
    "confirm": (FlowState.CREATING, 0.95, 0.99),
    "check": (FlowState.CREATING, 0.99, 0.99),
}
EFFECTS = frozenset({"create", "edit", "delete"})
# Of these, before which a mark is recorded, and rights are asked with it.
MARKED = frozenset({"create", "edit"})
# Final for the upstream, but something can be done about it, and then the flow can go on.
MENDABLE = frozenset(
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
MADE_BY = {"upload": "container", "publish": "story"}


def order_of(record: Record) -> Order:
    return msgspec.convert(record.input, ORDERS[record.name][1])


def receipt_of(record: Record, *, keys_are_known: bool) -> Receipt:
    """`keys_are_known`: the upstream knows a repeated request by its idempotency key."""
    order = order_of(record)
    output = record.output or {}
    pk = record.notes.get("highlight") if isinstance(order, CreateOrder) else order.pk
    return Receipt(
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
    if record.status is Status.FAILED:
        return record.fault is not None and may_be_mended(record.fault)
    return record.status is Status.CANCELLED


def may_be_mended(fault: Fault) -> bool:
    return fault.retryable or fault.code in MENDABLE


def needs_files(record: Record) -> bool:
    """Whether what it ordered from the spool is still wanted."""
    return record.status is Status.RUNNING or may_be_retried(record)


def is_past_cancelling(record: Record) -> bool:
    """Its last effect is under way, or done: what it was ordered for may have happened."""
    return bool(record.steps) and _word(record.steps[-1]) in EFFECTS | {"confirm", "check"}


def is_to_be_settled(record: Record) -> bool:
    """It has ended, and its last effect may have happened all the same: by going on the flow will know."""
    return _is_in_doubt(record) or bool(record.steps and _word(record.steps[-1]) in ("confirm", "check"))


def _is_in_doubt(record: Record) -> bool:
    if record.status not in (Status.FAILED, Status.CANCELLED) or not record.steps:
        return False
    last = record.steps[-1]
    return _word(last) in EFFECTS and _may_have_happened(last)


def _may_have_happened(step: StepRecord) -> bool:
    """Its answer may be lost. Who lost the right to send it may have sent it before: of what is marked ahead, also in a
    run whose attempts a retry has forgotten."""
    if step.fault is not None and step.fault.code == Forbidden.code:
        return step.attempts > 1 or _word(step) in MARKED
    return step.fault is None or step.fault.retryable


def _word(step: StepRecord) -> str:
    return step.name.partition(" ")[0]


def _step(step: StepRecord) -> StepReceipt:
    return StepReceipt(step.name, step.medium, step.state, step.attempts, step.started_at, step.finished_at, step.fault)


def _state(record: Record) -> FlowState:
    if record.status.is_final:
        return FlowState[record.status.value]
    return PHASES[_word(record.steps[-1])][0] if record.steps else FlowState.RECEIVED


def _progress(record: Record, order: Order) -> float:
    """What is made again does not count again, so that progress does not go back."""
    if record.status is Status.DONE:
        return 1.0
    furthest = max((_word(step) for step in record.steps), key=lambda word: PHASES[word][1:], default="quota")
    _, before, after = PHASES[furthest]
    ended = {step.medium for step in record.steps if _word(step) == furthest and step.state is not StepState.RUNNING}
    media = order.media if isinstance(order, CreateOrder) else order.add if isinstance(order, EditOrder) else ()
    whole = len(media) if furthest in ("upload", "process", "publish") else 1
    return before + (after - before) * min(1.0, len(ended) / max(1, whole))


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
        kind = MADE_BY.get(_word(step))
        if kind and _may_have_happened(step) and not told & {(kind, step.medium), ("story", step.medium)}:
            yield f"{_owner(step.medium)}: perhaps {FATE[kind]}."


def _owner(medium: int | None) -> str:
    return "Of the cover" if medium is None else f"Of medium {medium}"


def _doubts(record: Record) -> Iterator[str]:
    if _is_in_doubt(record):
        yield "What was ordered may have been done all the same: retry the flow to find out."


def _repeats(record: Record) -> Iterator[str]:
    for step in record.steps:
        if _word(step) in MADE_BY and step.attempts > 1:
            yield f"{_owner(step.medium)}: perhaps one more story, as an answer was lost: it dies within 24 hours."
