"""Keys that sign or seal what clients keep: from a setting, or from a file in the data directory."""

from __future__ import annotations

import secrets
from pathlib import Path

from gateway.durable.encryption import KEY_BYTES, KeyFileError, key_in


def key_of(given: str | None, directory: Path, file: str) -> bytes:
    """Return the key: `given`, or that of the file, which is created if there is none.

    Where the file cannot be used, what clients keep expires with this process: no reason to refuse to start.
    """
    if given is not None:
        return given.encode()
    try:
        return key_in(directory, file)
    except KeyFileError:
        return secrets.token_bytes(KEY_BYTES)
