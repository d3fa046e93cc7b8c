"""A key-encryption key in AWS KMS, by boto3. Credentials and region are those of the standard AWS variables or role."""

from __future__ import annotations

from typing import Any, NoReturn

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError, PartialCredentialsError

from gateway.accounts.vault.key_encryption import VaultDamaged
from gateway.accounts.vault.remote_keys import ANSWER_SECONDS, ATTEMPTS, CONNECT_SECONDS, SETTING
from gateway.errors import AccountsUnavailable, Unusable

SCHEME = "awskms:"
# CloudTrail logs it with each call.
CONTEXT = {"purpose": "highlights-gateway vault 1"}
WRONG = frozenset({"InvalidCiphertextException", "IncorrectKeyException"})
TEMPORARY = frozenset(
    {"ThrottlingException", "KMSInternalException", "DependencyTimeoutException", "LimitExceededException"}
)


class AwsKmsKey:
    """A symmetric key, by its id, ARN or alias. An ARN names the region, too. Raise Unusable for missing settings."""

    def __init__(self, key: str) -> None:
        self.url = SCHEME + key
        self._key = key
        limits = Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=ANSWER_SECONDS,
            retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
        )
        try:
            self._client = boto3.client("kms", region_name=_region(key), config=limits)
        except NoRegionError as exc:
            raise Unusable(f"{SETTING} names a key of AWS KMS, and no region is known: set AWS_REGION.") from exc

    def encrypt(self, secret: bytes) -> bytes:
        answer = self._call("encrypt", Plaintext=secret)
        return bytes(answer["CiphertextBlob"])

    def decrypt(self, ciphertext: bytes) -> bytes:
        answer = self._call("decrypt", CiphertextBlob=ciphertext)
        return bytes(answer["Plaintext"])

    def _call(self, name: str, **given: bytes) -> Any:
        try:
            return getattr(self._client, name)(KeyId=self._key, EncryptionContext=CONTEXT, **given)
        except ClientError as exc:
            _refused(self.url, exc)
        except (NoCredentialsError, PartialCredentialsError) as exc:
            raise Unusable(f"{SETTING} names a key of AWS KMS, and no credentials of AWS are known.") from exc
        except BotoCoreError as exc:
            raise AccountsUnavailable("AWS KMS cannot be reached, so no token can be used: retry later.") from exc


def _refused(url: str, error: ClientError) -> NoReturn:
    """Raise what an error of the service means. Its text is not shown: it names the caller's identity."""
    code = str(error.response.get("Error", {}).get("Code", ""))
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in WRONG:
        raise VaultDamaged("a data key") from error
    if code in TEMPORARY or status >= 500:
        raise AccountsUnavailable("AWS KMS is overloaded, so no token can be used: retry later.") from error
    raise Unusable(
        f"AWS KMS refuses the key {url} ({code}): check the key and the permissions kms:Encrypt and kms:Decrypt."
    ) from error


def _region(key: str) -> str | None:
    """Return the region in an ARN, arn:aws:kms:REGION:ACCOUNT:key/ID; None for other names."""
    parts = key.split(":")
    return parts[3] if len(parts) > 5 else None
