"""What `bench.ablation` switches off is still there to be switched off."""

from __future__ import annotations

import subprocess
import sys

from tests.meta.tree import ROOT

ALL = "from bench.ablated import LAYERS\nfor switch_off in LAYERS.values():\n    switch_off()"


def test_each_cache_layer_can_be_switched_off() -> None:
    """In a process of its own, as it stays off."""
    command = [sys.executable, "-c", ALL]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=50)
    assert (done.returncode, done.stderr) == (0, "")
