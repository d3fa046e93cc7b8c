"""Serialization of steps and faults to JSON, and the size limit of workflow input."""

from __future__ import annotations

import json

from gateway.durable.port import Fault, Json, StepRecord, StepState
from gateway.errors import InvalidInput

# Media are sent as files: no list of media needs more than this.
INPUT_BYTES = 512 * 1024


def check_input(input: Json) -> None:
    """Raise InvalidInput if the input is too large."""
    if len(json.dumps(input, allow_nan=False)) > INPUT_BYTES:
        raise InvalidInput(f"The input of a flow can have at most {INPUT_BYTES} bytes.", field="input")


def fault_to(fault: Fault | None) -> Json:
    return fault and {
        "code": fault.code,
        "message": fault.message,
        "retryable": fault.retryable,
        "extensions": dict(fault.extensions),
    }


def fault_from(value: Json) -> Fault | None:
    return Fault(**value) if value else None


def step_to(record: StepRecord) -> Json:
    return {
        "name": record.name,
        "medium": record.medium,
        "state": record.state.value,
        "attempts": record.attempts,
        "started_at": record.started_at,
        "finished_at": record.finished_at,
        "fault": fault_to(record.fault),
    }


def step_from(value: Json) -> StepRecord:
    return StepRecord(**{**value, "state": StepState(value["state"]), "fault": fault_from(value["fault"])})
