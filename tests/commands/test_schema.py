"""`schema`."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import schema
from tests.commands.process import LIMIT, PROGRAM, run


def test_the_committed_schema_is_the_printed_one() -> None:
    result = run("schema", "--check")
    assert (result.returncode, result.stdout) == (0, "The printed schema is up to date.\n")


def test_a_stale_schema_is_shown_as_a_difference_and_mended(tmp_path: Path) -> None:
    """On a copy of the package, so that the committed files stay as they are."""
    shutil.copytree(Path(schema.__file__).parent, tmp_path / "schema")
    # Unmeasured: a second copy of the package would count as not covered.
    unmeasured = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}

    def schema_command(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [*PROGRAM, "schema", *arguments]
        return subprocess.run(
            command, cwd=tmp_path, env=unmeasured, capture_output=True, text=True, timeout=LIMIT, check=False
        )

    committed = (tmp_path / "schema/api.graphql").read_text()
    (tmp_path / "schema/api.graphql").write_text(committed + "type Stale { a: Int }\n")
    stale = schema_command("--check")
    assert stale.returncode == 1
    assert "-type Stale { a: Int }" in stale.stdout
    assert schema_command().returncode == 0
    assert (tmp_path / "schema/api.graphql").read_text() == committed
    assert schema_command("--check").returncode == 0
