"""No secret in the tree."""

from __future__ import annotations

import base64
import contextlib
import multiprocessing
import re
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from detect_secrets.core.secrets_collection import SecretsCollection
from detect_secrets.settings import default_settings

from tests.meta.tree import ROOT, files

# Entropy says nothing here: hashes of releases, and the vendor's own recorded answers with shortened URLs.
HASHED = frozenset({"requirements.lock", "requirements-dev.lock", "package-lock.json"})
PLANTED = "aws_key = 'AKIA" + "IOSFODNN7ABCDEFG'"


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


def test_no_file_holds_a_secret() -> None:
    """Where a finding is no secret, `# pragma: allowlist secret` on its line says so."""
    paths = [ROOT / path for path in files() if path.name not in HASHED]
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as processes:
        assert [secret for found in processes.map(scan, paths, chunksize=50) for secret in found] == []


def test_the_scan_would_find_one(tmp_path: Path) -> None:
    planted = tmp_path / "settings.py"
    planted.write_text(PLANTED)
    assert scan(planted) != []
