"""`highlights-gateway`, with what its garbage collector does written down: `python -m bench.collected FILE serve ...`.

A line of FILE is a JSON array: seconds of the system's clock, generation, milliseconds, objects found in cycles.
"""

from __future__ import annotations

import gc
import sys
import time
from pathlib import Path
from typing import Any

import msgspec

from gateway.cli import main


class Collections:
    def __init__(self, file: Path) -> None:
        self.file = file.open("ab", buffering=0)
        self._began = 0.0

    def __call__(self, phase: str, info: dict[str, Any]) -> None:
        if phase == "start":
            self._began = time.perf_counter()
            return
        pause = (time.perf_counter() - self._began) * 1e3
        self.file.write(msgspec.json.encode([time.time(), info["generation"], pause, info["collected"]]) + b"\n")


if __name__ == "__main__":
    gc.callbacks.append(Collections(Path(sys.argv.pop(1))))
    sys.exit(main())
