"""Encryption of stored workflow data: JSON in AES-GCM (NIST SP 800-38D, 96-bit random nonces)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.durable.port import Json
from gateway.files import make_file, make_folder

KEY_FILE = "flows.key"
KEY_BYTES = 32
NONCE_BYTES = 12
# Associated data that binds the texts to their use: no other data encrypted with this key passes for a workflow's.
PURPOSE = b"highlights-gateway flows 1"


class DecryptionError(Exception):
    """The text was encrypted with another key, or not at all. The message never quotes the text."""


class KeyFileError(Exception):
    """The key file cannot be used: the message names the file and the remedy."""


class JsonCipher:
    """A cipher of JSON values to text and back."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)
        self._key = key

    def close(self, value: Json) -> str:
        """Return the encrypted text of a value."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        plain = json.dumps(value, allow_nan=False).encode()
        return base64.b64encode(nonce + self._cipher.encrypt(nonce, plain, PURPOSE)).decode()

    def open(self, text: str) -> Json:
        """Return the decrypted value. Raises DecryptionError."""
        try:
            encrypted = base64.b64decode(text, validate=True)
            return json.loads(self._cipher.decrypt(encrypted[:NONCE_BYTES], encrypted[NONCE_BYTES:], PURPOSE))
        except (InvalidTag, ValueError, binascii.Error) as exc:
            raise DecryptionError("sealed with another key") from exc

    def fingerprint(self, *values: Json) -> str:
        """Return a keyed digest: equal for equal values in any order of their keys, meaningless without the key."""
        canonical = json.dumps(values, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()
        return hmac.new(self._key, PURPOSE + canonical, hashlib.sha256).hexdigest()


def key_in(directory: Path, name: str = KEY_FILE) -> bytes:
    """Return the key of that name in a data directory, and create it if there is none. Raises KeyFileError."""
    path = directory / name
    try:
        make_folder(directory)
        make_file(path, secrets.token_bytes(KEY_BYTES))
        key = path.read_bytes()
    except OSError as exc:
        raise KeyFileError(f"The key {path} cannot be read or created: {exc.strerror}.") from exc
    if len(key) != KEY_BYTES:
        raise KeyFileError(f"The key {path} must have {KEY_BYTES} bytes: restore it from a backup.")
    return key
