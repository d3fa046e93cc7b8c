"""What `make serve` says the first time, when it takes minutes; the programs it calls do nothing here."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from tests import processes
from tests.meta.tree import ROOT

LIMIT = 60.0
NOTHING = "#!/bin/sh\n"
# Makes the environment that pip and the rest would be in.
PYTHON = """#!/bin/sh
test "$2" = venv || exit 0
mkdir -p .venv/bin
for name in python pip highlights-gateway; do cp nothing .venv/bin/$name; done
"""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """With a Makefile, and nothing installed; where there is no npm but what pip brings."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "tests/object_storage").mkdir(parents=True)
    for name in ("requirements-dev.lock", "tests/object_storage/requirements.lock", "pyproject.toml"):
        (tmp_path / name).touch()
    for name, text in (("nothing", NOTHING), ("python", PYTHON)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("make", "sh", "mkdir", "cp", "touch", "test", "echo"):
        program = shutil.which(name)
        assert program is not None
        (tools / name).symlink_to(program)
    return tmp_path


def served(clone: Path) -> list[str]:
    # As in a shell of one's own: a make that runs the tests hands its options on.
    own = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    environ = {**own, "PATH": str(clone / "tools")}
    command = [str(clone / "tools" / "make"), "serve", f"PYTHON={clone / 'python'}"]
    result = processes.run(command, seconds=LIMIT, cwd=clone, env=environ)
    assert (result.returncode, result.stderr) == (0, "")
    return [line.partition(":")[0].removesuffix(" ...") for line in result.stdout.splitlines()]


def test_the_first_make_serve_says_what_it_does_before_each_step(clone: Path) -> None:
    assert served(clone) == [
        "Making .venv",
        "Installing the Python packages of requirements-dev.lock into .venv",
        "Installing this project into .venv",
        "Installing Node for the console into .venv",
        "Starting the gateway",
    ]
    shutil.copy(clone / "nothing", clone / ".venv/bin/npm")
    assert served(clone) == ["Starting the gateway"]


def test_to_build_the_console_says_what_it_does_before_each_step(tmp_path: Path) -> None:
    shutil.copy(ROOT / "hatch_build.py", tmp_path)
    (tmp_path / "gateway/console/web").mkdir(parents=True)
    for folder in ("gateway/console/operations", "queries"):
        (tmp_path / folder).mkdir()
    npm = tmp_path / "tools" / "npm"
    npm.parent.mkdir()
    npm.write_text(NOTHING)
    npm.chmod(0o755)
    environ = {**os.environ, "PATH": f"{npm.parent}:{os.environ['PATH']}"}
    # An environment of its own, which may bring an npm, would come first.
    build = "import sys, runpy; sys.prefix = '/nowhere'; runpy.run_path('hatch_build.py', run_name='__main__')"
    result = processes.run([sys.executable, "-c", build], seconds=LIMIT, cwd=tmp_path, env=environ)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.splitlines() == [
        "Building the console, once: fetching its npm packages ...",
        "Building the console: bundling ...",
        "The console is built.",
    ]
