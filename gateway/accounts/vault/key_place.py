"""The places of key-encryption keys: a file of the data directory, or a setting."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from gateway.errors import Unusable
from gateway.files import make_file, make_folder, replace_file

KEY_BYTES = 32
KEY_FILE = "vault.key"
SETTING = "GATEWAY_VAULT_KEY"
ID_DIGITS = 16


class KeyPlace(Protocol):
    """The place of local keys. Methods block, and raise Unusable."""

    def exists(self) -> bool:
        """Return whether there are keys."""

    def read(self) -> list[bytes]:
        """Return the keys, the newest first. The first one is created."""

    def write(self, keys: Sequence[bytes]) -> None:
        """Replace the keys atomically."""


class KeyFile:
    """The file of the keys in a data directory: 32 bytes each. It is created with one key."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / KEY_FILE

    def exists(self) -> bool:
        return self._path.exists()

    def read(self) -> list[bytes]:
        try:
            make_folder(self._path.parent)
            make_file(self._path, secrets.token_bytes(KEY_BYTES))
            return keys_in(self._path.read_bytes())
        except OSError as exc:
            raise Unusable(f"The key {self._path} cannot be read or created: {exc.strerror}.") from exc
        except ValueError as exc:
            raise Unusable(
                f"The key {self._path} must have {KEY_BYTES} bytes for each key: restore it from a backup."
            ) from exc

    def write(self, keys: Sequence[bytes]) -> None:
        try:
            replace_file(self._path, b"".join(keys))
        except OSError as exc:
            raise Unusable(f"The key {self._path} cannot be written: {exc.strerror}.") from exc


class GivenKeys:
    """The keys of a setting, which only the operator changes."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._given = list(keys)

    def exists(self) -> bool:
        return True

    def read(self) -> list[bytes]:
        return self._given

    def write(self, keys: Sequence[bytes]) -> None:
        """Accept the removal of old keys, which stay in the setting until the operator removes them."""
        if not set(keys) <= set(self._given):
            raise Unusable(
                f"{SETTING} has no key that the vault does not use yet: put a new one before the present one, "
                "separated by a comma, in all gateways, restart them, and repeat the command."
            )


def keys_in(content: bytes) -> list[bytes]:
    """Return the keys of a file's content. Raise ValueError."""
    if not content or len(content) % KEY_BYTES:
        raise ValueError
    return [content[begin : begin + KEY_BYTES] for begin in range(0, len(content), KEY_BYTES)]


def id_of(key: bytes) -> str:
    """Return the id of a key, of which the key cannot be found: it has 256 random bits."""
    return hashlib.sha256(b"highlights-gateway vault key 1" + key).hexdigest()[:ID_DIGITS]
