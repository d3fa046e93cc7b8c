"""The wheel of this tree."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

from tests.meta.tree import ROOT

LIMIT = 400.0  # seconds: the console is built along, where it is not yet


def built(folder: Path) -> zipfile.ZipFile:
    """Built into `folder`, which is empty."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=LIMIT)
    (wheel,) = folder.iterdir()
    return zipfile.ZipFile(wheel)
