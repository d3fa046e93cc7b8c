"""Azure Blob Storage by Azurite, a process of its own."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import re
import tempfile
import time
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path

import httpx

from gateway.uploads.object_storage import StorageAccess
from tests import processes
from tests.node import projects
from tests.object_storage.server import BUCKET, LIFE, LIMIT

# The account of every Azurite, which its documentation names.
ACCOUNT = "devstoreaccount1"
KEY = (
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsu"  # pragma: allowlist secret
    "Fq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="  # pragma: allowlist secret
)
VERSION = "2021-08-06"


@contextlib.contextmanager
def azurite() -> Iterator[str]:
    """The URL of a server with one container. Skips where there is no Node."""
    main = projects.azurite()
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "log").open("w") as log:
        options = ("--blobPort", "0", "--location", folder, "--skipApiVersionCheck", "--disableTelemetry", "--silent")
        command = [projects.program("node"), str(main), *options]
        with processes.started(command, seconds=LIFE, stdout=log, stderr=log, env=projects.environment()):
            url = f"{_announced(Path(log.name))}/{ACCOUNT}"
            _make_container(url)
            yield url


def access(endpoint: str, prefix: str) -> StorageAccess:
    return StorageAccess(f"az://{BUCKET}/{prefix}", endpoint, ACCOUNT, KEY)


def _announced(log: Path) -> str:
    end = time.monotonic() + LIMIT
    while (found := re.search(r"listens on (http://127\.0\.0\.1:[0-9]+)", log.read_text())) is None:
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.05)
    return found[1]


def _make_container(url: str) -> None:
    """Signed as the service asks for: obstore makes no containers."""
    date = formatdate(usegmt=True)
    resource = f"/{ACCOUNT}/{ACCOUNT}/{BUCKET}\nrestype:container"
    signed = "PUT" + "\n" * 12 + f"x-ms-date:{date}\nx-ms-version:{VERSION}\n{resource}"
    digest = hmac.new(base64.b64decode(KEY), signed.encode(), hashlib.sha256).digest()
    authorization = f"SharedKey {ACCOUNT}:{base64.b64encode(digest).decode()}"
    headers = {"x-ms-date": date, "x-ms-version": VERSION, "authorization": authorization}
    httpx.put(f"{url}/{BUCKET}?restype=container", headers=headers, timeout=LIMIT).raise_for_status()
