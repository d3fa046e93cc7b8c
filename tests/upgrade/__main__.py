"""`python -m tests.upgrade`: records the fixtures anew, by the code of this tree."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import time

from tests.durable.postgres import cluster
from tests.upgrade.fixtures import NAMES, RECORDED
from tests.upgrade.recording import record

# Allowances are counted by the day (UTC): a fixture begins and ends on the same.
DAY = 86_400
MARGIN = 1_200


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.upgrade", description=__doc__)
    parser.add_argument("--only", metavar="WORD", default="", help="fixtures with this in their name")
    chosen = parser.parse_args()
    if time.time() % DAY > DAY - MARGIN:
        print("The day (UTC) ends in a few minutes: begin when it has.", file=sys.stderr)
        return 1
    for name in (name for name in NAMES if chosen.only in name):
        with contextlib.ExitStack() as stack:
            server = stack.enter_context(cluster()) if name.endswith("postgresql") else None
            asyncio.run(record(name, server))
        print(f"{name}: {(RECORDED / f'{name}.tar.xz').stat().st_size:,} bytes", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
