"""No secret in the tree."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
from detect_secrets.core.secrets_collection import SecretsCollection
from detect_secrets.settings import transient_settings

from tests.meta.tree import ROOT, files

# What is looked for, and what is none: `detect-secrets-hook --baseline .secrets.baseline FILE` does the same.
BASELINE = ".secrets.baseline"
CLEAN = "secrets/clean"
PLANTED = "aws_key = 'AKIA" + "IOSFODNN7ABCDEFG'"


def digest(path: Path) -> str:
    """With the name, by which the scan chooses what to look for."""
    return hashlib.sha256(path.name.encode() + path.read_bytes()).hexdigest()


def scan(*paths: Path) -> list[str]:
    found = SecretsCollection()
    with transient_settings(json.loads((ROOT / BASELINE).read_text())):
        for path in paths:
            found.scan_file(str(path))
    return [f"{Path(name).name}:{secret.line_number}: {secret.type}" for name, secret in found]


@pytest.mark.timeout(300)
def test_no_file_holds_a_secret(pytestconfig: pytest.Config) -> None:
    """Where a finding is no secret, `# pragma: allowlist secret` on its line says so.

    To scan all takes half a minute, and longer beside other tests: what was found clean is not scanned again until it
    changes.
    """
    paths = {digest(ROOT / path): ROOT / path for path in files()}
    known = set(pytestconfig.cache.get(CLEAN, []))
    changed = [path for name, path in paths.items() if name not in known]
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as processes:
        assert [secret for found in processes.map(scan, changed, chunksize=50) for secret in found] == []
    pytestconfig.cache.set(CLEAN, sorted(paths))


def test_the_scan_would_find_one(tmp_path: Path) -> None:
    planted = tmp_path / "settings.py"
    planted.write_text(PLANTED)
    assert scan(planted) != []
