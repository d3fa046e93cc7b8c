"""`python -m tests.measured`: the coverage of each lane, from the data of a measured run.

A lane's lines are those that run in its tests, in the processes that these start, and while modules are imported.
"""

from __future__ import annotations

import io

import coverage

from tests.lanes import LANES


def main() -> None:
    data = coverage.Coverage()
    data.load()
    for lane in LANES:
        if lane.name in data.get_data().measured_contexts():
            total = data.report(file=io.StringIO(), contexts=[f"^({lane.name})?$"], skip_covered=True)
            print(f"coverage of the lane {lane.name:8} {total:5.1f} %")


if __name__ == "__main__":
    main()
