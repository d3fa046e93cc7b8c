"""Key-encryption keys: they wrap the data keys of the vault, and are the only ones that are stored unencrypted."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Protocol, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.accounts.vault.key_place import KEY_BYTES, KEY_FILE, SETTING, KeyPlace, id_of
from gateway.errors import Unusable

NONCE_BYTES = 12


class VaultKeyMissing(Unusable):
    """The vault is encrypted with a key that this gateway does not have."""

    @classmethod
    def of_vault(cls) -> Self:
        return cls(
            f"The tokens in the vault are encrypted with another key than this gateway has: restore {KEY_FILE}, or set "
            f"{SETTING} to the key of before."
        )


class VaultDamaged(Exception):
    """The ciphertext was not encrypted with the key that it names, or not for this account and purpose."""


class KeyEncryption(Protocol):
    """The key-encryption keys of a gateway, the newest first. Methods block, and raise Unusable."""

    def ids(self) -> Sequence[str]:
        """Return the ids of the keys, as their place has them now."""

    def wrap(self, id: str, data_key: bytes, context: bytes) -> bytes:
        """Encrypt a data key, bound to `context`. Raise VaultKeyMissing."""

    def unwrap(self, id: str, wrapped: bytes, context: bytes) -> bytes:
        """Decrypt a data key. Raise VaultKeyMissing and VaultDamaged."""

    def add(self) -> str:
        """Add a key, which becomes the newest, and return its id."""

    def keep_only(self, id: str) -> None:
        """Delete all other keys."""


class LocalKeys:
    """Keys in the memory of this process, from a place that other processes may change."""

    def __init__(self, place: KeyPlace) -> None:
        self._place = place
        self._keys: dict[str, bytes] = {}

    def exist(self) -> bool:
        """Return whether there is a key: reading the keys creates the first one."""
        return self._place.exists()

    def ids(self) -> Sequence[str]:
        return list(self._load())

    def wrap(self, id: str, data_key: bytes, context: bytes) -> bytes:
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + AESGCM(self._key(id)).encrypt(nonce, data_key, context)

    def unwrap(self, id: str, wrapped: bytes, context: bytes) -> bytes:
        try:
            return AESGCM(self._key(id)).decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], context)
        except (InvalidTag, ValueError) as exc:
            raise VaultDamaged("a data key") from exc

    def add(self) -> str:
        key = secrets.token_bytes(KEY_BYTES)
        self._place.write([key, *self._load().values()])
        self._load()
        return id_of(key)

    def keep_only(self, id: str) -> None:
        self._place.write([self._key(id)])
        self._load()

    def _key(self, id: str) -> bytes:
        key = self._keys.get(id) or self._load().get(id)
        if key is None:
            raise VaultKeyMissing.of_vault()
        return key

    def _load(self) -> dict[str, bytes]:
        self._keys = {id_of(key): key for key in self._place.read()}
        return self._keys
