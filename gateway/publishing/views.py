"""Views of workflows for their clients."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.domain.publishing import EntityRef
from gateway.durable.port import Fault, StepState
from gateway.publishing.phases import FlowState
from gateway.publishing.registry import FlowKind


@dataclass(frozen=True, slots=True)
class StepView:
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

    `progress` runs from 0 to 1. `entity` is what it creates or changes, None until that exists. `skipped` holds the
    positions of media that were left out; `leftovers` describes the objects that stay upstream, and until when;
    `warnings` describes what the client should check. Times are Unix seconds.
    """

    id: str
    kind: FlowKind
    account: str
    state: FlowState
    progress: float
    steps: tuple[StepView, ...]
    entity: EntityRef | None
    fault: Fault | None
    retryable: bool
    skipped: tuple[int, ...]
    leftovers: tuple[str, ...]
    warnings: tuple[str, ...]
    created_at: float
    updated_at: float

    @property
    def entity_id(self) -> str | None:
        return None if self.entity is None else self.entity.id
