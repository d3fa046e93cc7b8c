"""`vault rotate`, and the copies of the vault: a token is readable after both, and a copy has the keys it needs."""

from __future__ import annotations

import base64
import os
import sys
from pathlib import Path

import pytest

from gateway.cli import main
from gateway.commands.base import CommandError
from gateway.composition.account_vault import account_store
from gateway.settings import Settings
from tests.accounts.places import GIVEN, account, sqlite_store
from tests.accounts.transit_server import TOKEN, Transit
from tests.commands.copies import copied, environment, filled, restored
from tests.fakes.served import served


def connect(folder: Path, *keys: bytes) -> None:
    store = sqlite_store(folder, *keys)
    store.open()
    store.save(account(), GIVEN)


def token_in(folder: Path, *keys: bytes) -> str:
    store = sqlite_store(folder, *keys)
    store.open()
    return (store.token("787132") or pytest.fail("no token"))[1]


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GATEWAY_DATA_DIR", str(tmp_path / "data"))
    return filled(tmp_path / "data", 12)


def test_a_rotation_replaces_the_key_file(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    connect(data)
    before = (data / "vault.key").read_bytes()
    assert main(["vault", "rotate"]) == 0
    assert "1 data key is wrapped by the new key" in capsys.readouterr().out
    assert len((data / "vault.key").read_bytes()) == 32
    assert (data / "vault.key").read_bytes() != before
    assert token_in(data) == GIVEN


def test_there_is_no_key_to_rotate_before_an_account_was_connected(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["vault", "rotate"]) == 1
    assert "No account was ever connected here" in capsys.readouterr().err
    assert not (data / "vault.key").exists()


def test_keys_of_the_setting_are_rotated_to_the_first(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = b"a" * 32, b"b" * 32
    connect(data, old)
    monkeypatch.setenv("GATEWAY_VAULT_KEY", ",".join(base64.b64encode(key).decode() for key in (new, old)))
    assert main(["vault", "rotate"]) == 0
    assert "Remove all but the first key" in capsys.readouterr().out
    assert token_in(data, new) == GIVEN
    monkeypatch.setenv("GATEWAY_VAULT_KEY", base64.b64encode(old).decode())
    assert main(["vault", "rotate"]) == 2
    assert "another key than this gateway has" in capsys.readouterr().err


def test_a_copy_has_the_accounts_and_their_key(data: Path, tmp_path: Path) -> None:
    connect(data)
    copy = copied(tmp_path / "copy", environment(data))
    assert main(["vault", "rotate"]) == 0
    sqlite_store(data).erase("787132")
    assert restored(copy, environment(data), replace=True) == 0
    assert token_in(data) == GIVEN


def test_a_copy_without_the_key_is_refused(data: Path, tmp_path: Path) -> None:
    connect(data)
    (data / "vault.key").rename(tmp_path / "vault.key")
    with pytest.raises(CommandError, match=r"vault\.key is missing"):
        copied(tmp_path / "copy", environment(data))
    (data / "vault.key").write_bytes(b"x" * 32)
    with pytest.raises(CommandError, match="rotated meanwhile"):
        copied(tmp_path / "copy", environment(data))
    assert not (tmp_path / "copy").exists()


def test_the_tokens_are_moved_to_a_key_in_a_service_of_which_no_copy_needs_one(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    connect(data)
    with served(lambda _: Transit().app(), lifespan=False) as url:
        monkeypatch.setenv("GATEWAY_VAULT_KEY_URL", f"transit+{url}/transit/gateway")
        monkeypatch.setenv("GATEWAY_VAULT_KEY_TOKEN", TOKEN)
        assert main(["vault", "rotate"]) == 0
        assert "Remove the keys of before" in capsys.readouterr().out
        copied(tmp_path / "before", dict(os.environ))
        (data / "vault.key").unlink()
        copied(tmp_path / "after", dict(os.environ))
        assert main(["vault", "rotate"]) == 2
        assert "rotate it there" in capsys.readouterr().err
        store = account_store(Settings.read(os.environ))
        store.open()
        assert (store.token("787132") or pytest.fail("no token"))[1] == GIVEN


def test_a_service_without_its_library_is_told(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GATEWAY_VAULT_KEY_URL", "awskms:alias/gateway")
    monkeypatch.setitem(sys.modules, "boto3", None)
    monkeypatch.delitem(sys.modules, "gateway.accounts.vault.aws_kms", raising=False)
    assert main(["vault", "rotate"]) == 2
    assert "pip install 'highlights-gateway[kms]'" in capsys.readouterr().err
