"""Envelope encryption: each secret under a data key of its own (AES-256-GCM), which a key-encryption key wraps.

Associated data binds both ciphertexts to the secret's subject and purpose: a row that is copied to another account, or
into another column, cannot be decrypted.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.accounts.vault.key_encryption import NONCE_BYTES, KeyEncryption, VaultDamaged
from gateway.accounts.vault.key_place import KEY_BYTES

VERSION = b"highlights-gateway vault 1"
DATA_KEY = "data key"


@dataclass(frozen=True, slots=True)
class Encrypted:
    """A ciphertext with its wrapped data key, and the id of the key that wraps it."""

    key_id: str
    data_key: bytes = field(repr=False)
    text: bytes = field(repr=False)


class EnvelopeCipher:
    """Encryption for one gateway. Methods block, and raise Unusable."""

    def __init__(self, keys: KeyEncryption) -> None:
        self.keys = keys

    def encrypt(self, key_id: str, subject: str, purpose: str, secret: str) -> Encrypted:
        """Encrypt with a new data key, wrapped by the key `key_id`. Raise VaultKeyMissing."""
        data_key, nonce = secrets.token_bytes(KEY_BYTES), secrets.token_bytes(NONCE_BYTES)
        text = nonce + AESGCM(data_key).encrypt(nonce, secret.encode(), bound(subject, purpose))
        return Encrypted(key_id, self.keys.wrap(key_id, data_key, bound(subject, DATA_KEY)), text)

    def decrypt(self, subject: str, purpose: str, encrypted: Encrypted) -> str:
        """Return the secret. Raise VaultKeyMissing, and VaultDamaged if it is not that of subject and purpose."""
        data_key = self.keys.unwrap(encrypted.key_id, encrypted.data_key, bound(subject, DATA_KEY))
        nonce, text = encrypted.text[:NONCE_BYTES], encrypted.text[NONCE_BYTES:]
        try:
            return AESGCM(data_key).decrypt(nonce, text, bound(subject, purpose)).decode()
        except (InvalidTag, ValueError) as exc:
            raise VaultDamaged(purpose) from exc

    def wrapped_by(self, key_id: str, subject: str, encrypted: Encrypted) -> Encrypted:
        """Return the same ciphertext with its data key wrapped by another key."""
        context = bound(subject, DATA_KEY)
        data_key = self.keys.unwrap(encrypted.key_id, encrypted.data_key, context)
        return Encrypted(key_id, self.keys.wrap(key_id, data_key, context), encrypted.text)


def bound(subject: str, purpose: str) -> bytes:
    """Return the associated data. Lengths keep apart what would else be equal when joined."""
    return VERSION + b"".join(b"%d:%s" % (len(part), part) for part in (subject.encode(), purpose.encode()))
