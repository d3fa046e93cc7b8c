"""The gateway's command under cProfile, without its imports.

python -m bench.profiled STATS serve --port 8000
"""

from __future__ import annotations

import contextlib
import cProfile
import sys

import gateway.composition.app  # noqa: F401 (loaded before the profiler is switched on)
from gateway.cli import main

if __name__ == "__main__":
    profiler = cProfile.Profile()
    with contextlib.suppress(SystemExit), profiler:
        main(sys.argv[2:])
    profiler.dump_stats(sys.argv[1])
