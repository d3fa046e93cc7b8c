"""The wheel holds what the gateway needs to run, and nothing else."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.fakes.wheel import built
from tests.meta.tree import files
from tests.node.projects import MISSING, SEARCHED

WEB = ("gateway", "console", "web")
CONSOLE = "gateway/console/static/"

PROBE = """
import importlib.metadata as metadata, importlib.resources as resources
import gateway, schema, gateway.cli
print(metadata.packages_distributions()["schema"], metadata.version("highlights-gateway"))
print(gateway.__file__, schema.__file__)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    return built(tmp_path_factory.mktemp("wheel"))


def members(wheel: zipfile.ZipFile) -> set[str]:
    return {name for name in wheel.namelist() if ".dist-info/" not in name}


def test_the_wheel_holds_both_packages_with_their_data_and_the_queries(wheel: zipfile.ZipFile) -> None:
    packaged = {str(path) for path in files() if path.parts[0] in ("gateway", "schema") and path.parts[:3] != WEB}
    queries = {f"gateway/{path}" for path in files() if path.parts[0] == "queries"}
    assert {name for name in members(wheel) if not name.startswith(CONSOLE)} == packaged | queries


def test_the_wheel_holds_the_built_console(wheel: zipfile.ZipFile) -> None:
    if shutil.which("npm", path=SEARCHED) is None:
        pytest.skip(MISSING)
    page = gzip.decompress(wheel.read(f"{CONSOLE}index.html.gz")).decode()
    files = {f"{CONSOLE}{name}.gz" for name in re.findall(r'"graphql/console/([^"]+)"', page)}
    assert files
    assert files <= members(wheel)


def test_the_wheel_says_that_both_packages_are_typed(wheel: zipfile.ZipFile) -> None:
    """Without the marker a type checker takes whatever is imported for Any, whatever the classifier says."""
    assert {"gateway/py.typed", "schema/py.typed"} <= members(wheel)


def test_the_wheel_holds_the_recorded_answers(wheel: zipfile.ZipFile) -> None:
    assert len([name for name in members(wheel) if name.startswith("gateway/sandbox/recorded/")]) == 3


def test_the_unpacked_wheel_provides_schema_and_runs(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    """A distribution called `schema` exists; ours must be the one that is imported."""
    wheel.extractall(tmp_path)
    # Unmeasured: a second copy of every module would count as not covered.
    unmeasured = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    output = subprocess.run(
        [sys.executable, "-c", PROBE],
        cwd=tmp_path,
        env=unmeasured,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    ).stdout
    provider, places = output.splitlines()
    assert provider.startswith("['highlights-gateway'] ")
    assert places == f"{tmp_path}/gateway/__init__.py {tmp_path}/schema/__init__.py"


def test_the_wheel_carries_the_licence_and_the_command(wheel: zipfile.ZipFile) -> None:
    info = next(name.split("/")[0] for name in wheel.namelist() if ".dist-info/" in name)
    assert f"{info}/licenses/LICENSE" in wheel.namelist()
    assert b"highlights-gateway = gateway.cli:main" in wheel.read(f"{info}/entry_points.txt")
