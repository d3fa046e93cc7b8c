"""A key in AWS KMS: moto's server."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import boto3
import pytest

from gateway.accounts.vault.aws_kms import AwsKmsKey
from gateway.logs.line_handler import TALKATIVE, quieten
from tests.accounts.remote_key_contract import MakeKey, RemoteKeyContract
from tests.object_storage.server import KEY_ID, SECRET, s3

ALIAS = "alias/gateway"
REGION = "eu-central-1"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with s3() as url:
        yield url


@pytest.fixture
def environment(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """That of a machine with credentials of AWS."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", server)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY_ID)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_REGION", REGION)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def created(server: str) -> str:
    """The ARN of a new key."""
    client = boto3.client("kms", region_name=REGION, endpoint_url=server)
    arn: str = client.create_key()["KeyMetadata"]["Arn"]
    return arn


@pytest.fixture
def arn(server: str, environment: None) -> str:
    return created(server)


@pytest.fixture
def records() -> Iterator[list[str]]:
    """What is logged by a process whose level is debug."""
    root, heard = logging.getLogger(), list[str]()
    handler, level = logging.Handler(), root.level
    handler.emit = lambda record: heard.append(record.getMessage())  # type: ignore[method-assign]
    levels = {name: logging.getLogger(name).level for name in TALKATIVE}
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    quieten()
    yield heard
    root.removeHandler(handler)
    root.setLevel(level)
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)


class TestAwsKms(RemoteKeyContract):
    @pytest.fixture
    def make(self, arn: str) -> MakeKey:
        return lambda: AwsKmsKey(arn)

    @pytest.fixture
    def other(self, server: str) -> MakeKey:
        arn = created(server)
        return lambda: AwsKmsKey(arn)

    @pytest.fixture
    def denied(self, arn: str) -> MakeKey:
        """A key that was never made."""
        return lambda: AwsKmsKey(arn.rpartition("/")[0] + "/00000000-0000-0000-0000-000000000000")

    @pytest.fixture
    def silent(self, arn: str, monkeypatch: pytest.MonkeyPatch) -> MakeKey:
        def make() -> AwsKmsKey:
            with monkeypatch.context() as patch:
                patch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
                return AwsKmsKey(arn)

        return make

    def test_a_key_is_named_by_its_alias_too(self, server: str, arn: str) -> None:
        client = boto3.client("kms", region_name=REGION, endpoint_url=server)
        client.create_alias(AliasName=ALIAS, TargetKeyId=arn)
        key = AwsKmsKey(ALIAS)
        assert key.url == f"awskms:{ALIAS}"
        assert key.decrypt(key.encrypt(b"secret")) == b"secret"

    def test_no_log_at_debug_has_a_data_key(self, arn: str, records: list[str]) -> None:
        key = AwsKmsKey(arn)
        key.decrypt(key.encrypt(b"a data key"))
        logging.getLogger("test").debug("heard")
        assert records == ["heard"]
