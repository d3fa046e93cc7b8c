"""The wheel of this tree."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

from tests import processes
from tests.meta.tree import ROOT

LIMIT = 400.0  # seconds: the console is built along, where it is not yet


def built(folder: Path) -> zipfile.ZipFile:
    """Built into `folder`, which is empty."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = processes.run(command, seconds=LIMIT, cwd=ROOT)
    assert done.returncode == 0, done.stderr[-2_000:]
    (wheel,) = folder.iterdir()
    return zipfile.ZipFile(wheel)
