"""The wheel of this tree."""

from __future__ import annotations

import contextlib
import sys
import zipfile
from pathlib import Path

from tests import processes
from tests.meta.tree import ROOT
from tests.node import projects

LIMIT = 400.0  # seconds


def built(folder: Path) -> zipfile.ZipFile:
    """Built into `folder`, which is empty; without the console where that cannot be built."""
    with contextlib.suppress(projects.Failed):
        projects.build_console()
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = processes.run(command, seconds=LIMIT, cwd=ROOT)
    assert done.returncode == 0, done.stderr[-2_000:]
    (wheel,) = folder.iterdir()
    return zipfile.ZipFile(wheel)
