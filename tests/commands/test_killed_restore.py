"""A restore that is killed leaves the old state, or one that the command completes: never a mixture."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.commands.process import LIMIT
from tests.meta.tree import ROOT


def test_a_restore_that_is_killed_anywhere_can_be_completed(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.commands.killed_restore", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found.keys() == {"old", "to be completed", "new", "not killed"}
    assert min(found["old"], found["to be completed"]) > 5
