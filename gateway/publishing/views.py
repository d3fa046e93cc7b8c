"""Views of workflows for their clients."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from gateway.durable.port import Fault, StepState


class FlowKind(enum.Enum):
    CREATE = "CREATE"
    UPDATE = "UPDATE"
    DELETE = "DELETE"


class FlowState(enum.Enum):
    RECEIVED = "RECEIVED"
    UPLOADING = "UPLOADING"
    PROCESSING = "PROCESSING"
    PUBLISHING = "PUBLISHING"
    CREATING = "CREATING"
    DONE = "DONE"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True)
class StepReceipt:
    """The view of one step. Times are Unix seconds."""

    name: str
    medium: int | None
    state: StepState
    attempts: int
    started_at: float
    finished_at: float | None
    error: Fault | None


@dataclass(frozen=True, slots=True)
class WorkflowView:
    """The view of one workflow.

    `progress` runs from 0 to 1. `skipped` holds the positions of media that were left out; `leftovers` describes the
    objects that stay upstream, and until when; `warnings` describes what the client should check. Times are Unix
    seconds.
    """

    id: str
    kind: FlowKind
    account: str
    state: FlowState
    progress: float
    steps: tuple[StepReceipt, ...]
    highlight_pk: str | None
    fault: Fault | None
    retryable: bool
    skipped: tuple[int, ...]
    leftovers: tuple[str, ...]
    warnings: tuple[str, ...]
    created_at: float
    updated_at: float
