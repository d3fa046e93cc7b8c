"""A key-encryption key in a key management service, which never leaves it: the service encrypts and decrypts data keys.

The service replaces the key's material by itself, under the same name. What was wrapped by keys of before, in a file, a
setting or the database, stays readable until `vault rotate` has wrapped it by the key of the service.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Protocol

from gateway.accounts.vault.key_encryption import LocalKeys, VaultDamaged
from gateway.errors import Unusable

SETTING = "GATEWAY_VAULT_KEY_URL"
ANSWER_SECONDS = 3.0
CONNECT_SECONDS = 2.0
# Of each call of a service, the first attempt included.
ATTEMPTS = 2


class RemoteKey(Protocol):
    """A key in a service. `url` names it in messages and in the store.

    Methods block. They raise AccountsUnavailable if the service cannot be reached or is overloaded, Unusable if it
    refuses the key, and VaultDamaged for a ciphertext that is not one of the key.
    """

    url: str

    def encrypt(self, secret: bytes) -> bytes: ...

    def decrypt(self, ciphertext: bytes) -> bytes: ...


class RemoteKeys:
    """The key of a service, and the local keys of before, if there are any. Methods raise the errors of RemoteKey, too.

    The service is told nothing about accounts: what a data key is bound to is hashed into what it encrypts.
    """

    def __init__(self, key: RemoteKey, before: LocalKeys) -> None:
        self._key = key
        self._before = before

    def ids(self) -> Sequence[str]:
        return [self._key.url, *(self._before.ids() if self._before.exist() else ())]

    def wrap(self, id: str, data_key: bytes, context: bytes) -> bytes:
        if id == self._key.url:
            return self._key.encrypt(_digest(context) + data_key)
        return self._before.wrap(id, data_key, context)

    def unwrap(self, id: str, wrapped: bytes, context: bytes) -> bytes:
        if id != self._key.url:
            return self._before.unwrap(id, wrapped, context)
        content, digest = self._key.decrypt(wrapped), _digest(context)
        if not content.startswith(digest):
            raise VaultDamaged("a data key")
        return content[len(digest) :]

    def add(self) -> str:
        """Return the id of the key: a rotation to it, from the keys of before, may have been killed."""
        if self._before.exist():
            return self._key.url
        raise Unusable(
            f"The tokens are encrypted with the key {self._key.url}, which its service replaces: rotate it there."
        )

    def keep_only(self, id: str) -> None:
        """Do nothing: the operator removes the keys of before, of which there may be more copies."""


def _digest(context: bytes) -> bytes:
    return hashlib.sha256(context).digest()
