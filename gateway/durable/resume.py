"""Where a failed flow goes on: which places of its journal are forgotten."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.durable.port import StepRecord, StepState

Numbered = Mapping[int, tuple[int, StepRecord]]
"""Steps by their place in the journal, each with its group."""


def steps_to_rerun(steps: Numbered, failed_group: int | None, places: int) -> frozenset[int]:
    """Of the places 1 to `places`: what failed in the group that failed the flow, and all that came after that group.

    What its other steps have done stays done. Where no step failed, the body did not like what the last group told it:
    then that group is asked again.
    """
    group = _group(steps, failed_group)
    members = {number: record for number, (of, record) in steps.items() if of == group}
    failed = {number for number, record in members.items() if record.state is not StepState.DONE}
    return frozenset(failed or members) | frozenset(range(max(members, default=0) + 1, places + 1))


def _group(steps: Numbered, failed_group: int | None) -> int | None:
    if failed_group is not None:
        return failed_group
    failed = (group for group, record in steps.values() if record.state is StepState.FAILED)
    return max(failed, default=max((group for group, _ in steps.values()), default=None))
