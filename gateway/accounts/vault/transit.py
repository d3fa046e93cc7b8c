"""A key-encryption key in the Transit engine of HashiCorp Vault or OpenBao, by hvac."""

from __future__ import annotations

import base64
import binascii
from typing import Any
from urllib.parse import urlsplit

import hvac
import requests
from hvac import exceptions

from gateway.accounts.vault.key_encryption import VaultDamaged
from gateway.accounts.vault.remote_keys import ANSWER_SECONDS, CONNECT_SECONDS
from gateway.errors import AccountsUnavailable, Unusable

PREFIX = "transit+"
TOKEN_SETTING = "GATEWAY_VAULT_KEY_TOKEN"  # nosec B105 # noqa: S105 (the name of a setting)
REFUSALS = (exceptions.Forbidden, exceptions.Unauthorized, exceptions.InvalidPath, exceptions.UnsupportedOperation)


class TransitKey:
    """A key at `transit+https://HOST:PORT/MOUNT/KEY`."""

    def __init__(self, url: str, token: str | None) -> None:
        self.url = url
        parts = urlsplit(url.removeprefix(PREFIX))
        mount, _, self._key = parts.path.strip("/").rpartition("/")
        self._mount = mount
        self._client = hvac.Client(
            f"{parts.scheme}://{parts.netloc}", token=token, timeout=(CONNECT_SECONDS, ANSWER_SECONDS)
        )

    def encrypt(self, secret: bytes) -> bytes:
        try:
            answer = self._call("encrypt_data", plaintext=base64.b64encode(secret).decode())
        except exceptions.InvalidRequest as exc:
            raise Unusable(f"The key {self.url} cannot encrypt: it must be one of the type aes256-gcm96.") from exc
        return str(answer["data"]["ciphertext"]).encode()

    def decrypt(self, ciphertext: bytes) -> bytes:
        try:
            answer = self._call("decrypt_data", ciphertext=ciphertext.decode())
            return base64.b64decode(answer["data"]["plaintext"], validate=True)
        except (exceptions.InvalidRequest, UnicodeDecodeError, binascii.Error) as exc:
            raise VaultDamaged("a data key") from exc

    def _call(self, name: str, **given: str) -> Any:
        """Return the answer to a call. Raise InvalidRequest for what is wrong with the call itself."""
        try:
            return getattr(self._client.secrets.transit, name)(name=self._key, mount_point=self._mount, **given)
        except REFUSALS as exc:
            raise Unusable(
                f"The key {self.url} is refused: check that it exists, and {TOKEN_SETTING} with its policy."
            ) from exc
        except exceptions.InvalidRequest:
            raise
        except (exceptions.VaultError, requests.RequestException) as exc:
            raise AccountsUnavailable(
                f"The service of the key {self.url} cannot be reached, so no token can be used: retry later."
            ) from exc
