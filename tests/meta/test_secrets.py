"""No secret in the tree."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import multiprocessing
import re
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
from detect_secrets.core.secrets_collection import SecretsCollection
from detect_secrets.settings import default_settings

from tests.meta.tree import ROOT, files

# Entropy says nothing here: hashes of releases, and the vendor's own recorded answers with shortened URLs.
HASHED = frozenset({"requirements.lock", "requirements-dev.lock", "package-lock.json"})
CLEAN = "secrets/clean"
PLANTED = "aws_key = 'AKIA" + "IOSFODNN7ABCDEFG'"


def digest(path: Path) -> str:
    """With the name, by which the scan chooses what to look for."""
    return hashlib.sha256(path.name.encode() + path.read_bytes()).hexdigest()


def scan(*paths: Path) -> list[str]:
    found = SecretsCollection()
    with default_settings():
        for path in paths:
            found.scan_file(str(path))
    return [
        f"{Path(name).name}:{secret.line_number}: {secret.type}"
        for name, secret in found
        if not is_cursor(secret.secret_value or "")
    ]


def is_cursor(text: str) -> bool:
    """The scan takes it for a key, and the scenarios that show it have no place for a comment."""
    with contextlib.suppress(ValueError):
        decoded = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        return re.fullmatch(rb"highlight:[0-9]+|[0-9]+_[0-9]+", decoded) is not None
    return False


def test_no_file_holds_a_secret(pytestconfig: pytest.Config) -> None:
    """Where a finding is no secret, `# pragma: allowlist secret` on its line says so.

    To scan all takes half a minute: what was found clean is not scanned again until it changes.
    """
    paths = {digest(ROOT / path): ROOT / path for path in files() if path.name not in HASHED}
    known = set(pytestconfig.cache.get(CLEAN, []))
    changed = [path for name, path in paths.items() if name not in known]
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as processes:
        assert [secret for found in processes.map(scan, changed, chunksize=50) for secret in found] == []
    pytestconfig.cache.set(CLEAN, sorted(paths))


def test_the_scan_would_find_one(tmp_path: Path) -> None:
    planted = tmp_path / "settings.py"
    planted.write_text(PLANTED)
    assert scan(planted) != []
