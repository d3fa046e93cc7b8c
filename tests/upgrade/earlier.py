"""The gateway of an earlier commit: its wheel, built from git, in an environment of its own.

The packages that it needs are those of this environment, whose locks have not changed in a way that concerns it.
"""

from __future__ import annotations

import gzip
import io
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests import processes
from tests.meta.tree import ROOT

# The last commit of which the stores have no version.
COMMIT = "d28e44286e4b9a4d1c12622394277a4f381f395a"  # pragma: allowlist secret
LIMIT = 120.0  # seconds
CONSOLE = Path("gateway/console/static/index.html.gz")
NO_HISTORY = f"The history is needed, down to {COMMIT[:8]}: clone the repository, or `git fetch --unshallow`"


def installed(folder: Path, commit: str = COMMIT) -> Sequence[str]:
    """The command of the gateway of that commit. Skips where git does not know it."""
    sources, wheels = folder / "sources", folder / "wheels"
    _export(commit, sources)
    # A console that is newer than its sources is not built.
    (sources / CONSOLE).parent.mkdir(parents=True, exist_ok=True)
    (sources / CONSOLE).write_bytes(gzip.compress(b""))
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(wheels)]
    done = processes.run(command, seconds=LIMIT, cwd=sources)
    assert done.returncode == 0, done.stderr[-2_000:]
    (wheel,) = wheels.iterdir()
    venv.create(folder / "venv", with_pip=False, symlinks=True)
    program = folder / "venv" / "bin" / "python"
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder / "venv")}))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)  # noqa: S202 (it was built here)
    # After the wheel's own. A path in such a file is searched, but files like this one in it are not read, so that the
    # gateway of this tree, which is installed by one, is not found.
    (packages / "shared.pth").write_text(f"{sysconfig.get_path('purelib')}\n{sysconfig.get_path('platlib')}\n")
    # Isolated: a PYTHONPATH could lead to this tree.
    return (str(program), "-I", "-m", "gateway")


def _export(commit: str, folder: Path) -> None:
    try:
        packed = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=True, timeout=LIMIT)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip(NO_HISTORY)
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
        archive.extractall(folder, filter="data")
