"""`python -m tests.stack.write_faults`: ten minutes of faults under load, and the page of their figures."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

import pytest

from tests.meta.tree import ROOT
from tests.stack.fault_run import FaultPlan, Result, run_faults
from tests.stack.faults import Figures, table

PAGE = ROOT / "docs/operations/faults.md"
BEGIN, END = "<!-- written by make faults -->\n", "<!-- end -->\n"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.stack.write_faults", description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0, help="how long each fault lasts")
    parser.add_argument("--only", metavar="WORD", default="", help="faults with this in their name; the page stays")
    chosen = parser.parse_args()
    plan = FaultPlan(seconds=chosen.seconds, only=chosen.only)
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        try:
            result = asyncio.run(run_faults(plan, Path(folder), _report))
        except pytest.skip.Exception as missing:
            print(missing, file=sys.stderr)
            return 1
    for problem in result.problems:
        print(f"PROBLEM {problem}", flush=True)
    if not chosen.only:
        PAGE.write_text(page(PAGE.read_text(), plan, result))
    return bool(result.problems)


def page(text: str, plan: FaultPlan, result: Result) -> str:
    """Return the page with the figures of this run in the place of those before."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    account = (
        f"\n{result.billed} requests were billed, {result.recorded} recorded by the ledger. A client with an allowance "
        f"of {plan.allowance}, which asked for more, was charged {result.spent}. {result.orders} orders of highlights: "
        f"{_said(result.problems)}\n"
    )
    return f"{before}{BEGIN}{table(result.rows)}{account}{END}{after}"


def _said(problems: list[str]) -> str:
    return "each was carried out once." if not problems else f"{len(problems)} problems: {'; '.join(problems)}."


def _report(row: Figures) -> None:
    codes = ", ".join(f"{count} x {code}" for code, count in row.codes.most_common())
    print(" | ".join(row.cells()), codes, flush=True)


if __name__ == "__main__":
    sys.exit(main())
