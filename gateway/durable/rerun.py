"""The resumption of a failed workflow: the journal positions that are executed again."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.durable.port import StepRecord, StepState

Numbered = Mapping[int, tuple[int, StepRecord]]
"""Steps by their position in the journal, each with its group."""


def steps_to_rerun(steps: Numbered, failed_group: int | None, places: int) -> frozenset[int]:
    """Return the positions, of 1 to `places`, that a retry executes again.

    These are the failed steps of the group that failed the workflow, and everything after that group; the group's
    other steps keep their results. If no step failed, the body rejected the results of the last group: then that
    whole group is executed again.
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
