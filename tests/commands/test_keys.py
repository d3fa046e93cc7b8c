"""`keys add`."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from gateway.clients import Clients, Right
from gateway.domain.window import Window
from tests.commands.process import run
from tests.meta.tree import ROOT


def test_the_key_alone_goes_to_standard_output_and_opens_the_gateway(tmp_path: Path) -> None:
    """So that it can be piped to where it is kept."""
    file = tmp_path / "clients.toml"
    limits = ["--rights", "read,force", "--ceiling", "50", "--allowance", "minute=100,month=20000"]
    result = run("keys", "add", "web", *limits, GATEWAY_CLIENTS_FILE=str(file))
    assert result.returncode == 0
    key = result.stdout.removesuffix("\n")
    assert key not in result.stderr + file.read_text()
    assert str(file) in result.stderr
    client = Clients.load(file).identify(key)
    assert (client.name, client.ceiling) == ("web", 50)
    assert client.rights == {Right.READ, Right.FORCE}
    assert client.allowance == {Window.MINUTE: 100, Window.MONTH: 20_000}


def test_a_client_without_limits_may_read(tmp_path: Path) -> None:
    file = tmp_path / "clients.toml"
    key = run("keys", "add", "web", "--file", str(file)).stdout.strip()
    client = Clients.load(file).identify(key)
    assert client.rights == {Right.READ}
    assert (client.ceiling, client.allowance) == (None, {})


def test_the_file_must_be_named() -> None:
    result = run("keys", "add", "web")
    assert (result.returncode, result.stdout) == (2, "")
    assert "--file" in result.stderr
    assert "GATEWAY_CLIENTS_FILE" in result.stderr


def test_a_name_is_given_once(tmp_path: Path) -> None:
    file = tmp_path / "clients.toml"
    run("keys", "add", "web", "--file", str(file))
    before = file.read_text()
    result = run("keys", "add", "web", "--file", str(file))
    assert (result.returncode, result.stdout) == (2, "")
    assert "web already" in result.stderr
    assert file.read_text() == before


def test_a_client_publishes_for_the_accounts_that_were_named(tmp_path: Path) -> None:
    file = tmp_path / "clients.toml"
    named = ["--account", "787132", "--account", "75885841119"]
    key = run("keys", "add", "studio", "--rights", "read,write", *named, "--file", str(file)).stdout.strip()
    client = Clients.load(file).identify(key)
    assert client.accounts == frozenset({"787132", "75885841119"})
    assert client.may_publish_for("787132")
    assert not client.may_publish_for("1")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--account", "787132"], "that needs `write` among its --rights"),
        (["--rights", "write", "--account", "natgeo"], "An account must be given by its id"),
    ],
)
def test_an_account_that_helps_nobody_is_refused(arguments: list[str], message: str, tmp_path: Path) -> None:
    file = tmp_path / "clients.toml"
    result = run("keys", "add", "studio", *arguments, "--file", str(file))
    assert (result.returncode, result.stdout) == (2, "")
    assert message in result.stderr
    assert not file.exists()


@pytest.mark.parametrize(
    ("limit", "accepted"),
    [
        ("--rights=read,delete", "must be some of read,write,force,balance,introspect"),
        ("--ceiling=-1", "must be a whole number"),
        ("--ceiling=\u0661", "must be a whole number"),
        ("--allowance=minute", "must be limits like minute=100,month=20000"),
        ("--allowance=week=1", "per minute, hour, day, month"),
        ("--allowance=day=1,day=2", "must be limits like"),
    ],
)
def test_a_limit_that_is_none_is_refused_with_what_is_accepted(limit: str, accepted: str, tmp_path: Path) -> None:
    result = run("keys", "add", "web", limit, "--file", str(tmp_path / "clients.toml"))
    assert result.returncode == 2
    assert accepted in " ".join(result.stderr.split())
    assert not (tmp_path / "clients.toml").exists()


def test_the_documented_command_makes_the_documented_entry(tmp_path: Path) -> None:
    document = (ROOT / "docs/settings.md").read_text()
    (command,) = re.findall(r"^highlights-gateway (keys add .*)$", document, re.MULTILINE)
    (entry,) = re.findall(r"^```toml\n(.*?)^```", document, re.MULTILINE | re.DOTALL)
    run(*shlex.split(command.replace("clients.toml", str(tmp_path / "clients.toml"))))
    made = (tmp_path / "clients.toml").read_text()
    assert re.sub(r'key_sha256 = "[0-9a-f]{64}"', 'key_sha256 = "..."', made) == entry
