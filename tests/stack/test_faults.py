"""Members of a stack are killed and frozen under load: nothing hangs, is overspent, lost or doubled."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.stack.fault_run import FaultPlan, run_faults
from tests.stack.write_faults import page

FAULTS = [
    "a gateway killed",
    "a gateway frozen",
    "Redis killed",
    "Redis frozen",
    "PostgreSQL killed",
    "PostgreSQL frozen",
    "nginx killed",
    "nginx frozen",
    "object storage frozen",
    "object storage cut off",
]


@pytest.mark.timeout(600)
async def test_all_is_well_again_after_each_fault(tmp_path: Path) -> None:
    plan = FaultPlan(seconds=2.0, quiet=0.5, orders=20, allowance=60)
    result = await run_faults(plan, tmp_path)
    assert result.problems == []
    names = [row.name for row in result.rows]
    assert names in (FAULTS, [*FAULTS, "the disk of a gateway full"])  # the user root alone can mount a small disk
    assert all(row.outcomes for row in result.rows)
    assert 0 < result.billed <= result.recorded
    assert 0 < result.spent <= plan.allowance
    assert "| nginx frozen |" in page("<!-- written by make faults -->\nold\n<!-- end -->\n", plan, result)
