"""`keys`: what each of its commands prints, and what it does to the clients file."""

from __future__ import annotations

import json
import re
import shlex
import signal
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from gateway.clients import Clients, Right
from gateway.clients.usage import Uses
from gateway.domain.window import Window
from gateway.http.transports.ws_messages import PROTOCOL
from tests.commands.process import LIMIT, address, ask, run, started
from tests.fakes.clock import EPOCH
from tests.meta.tree import ROOT

DIGEST = "5" * 64


def test_the_key_alone_goes_to_standard_output_and_opens_the_gateway(tmp_path: Path) -> None:
    """So that it can be piped to where it is kept."""
    file = tmp_path / "clients.toml"
    limits = ["--rights", "read,force", "--ceiling", "50", "--allowance", "minute=100,month=20000", "--weight", "2.5"]
    result = run("keys", "add", "web", *limits, GATEWAY_CLIENTS_FILE=str(file))
    assert result.returncode == 0
    key = result.stdout.removesuffix("\n")
    assert key not in result.stderr + file.read_text()
    assert str(file) in result.stderr
    client = Clients.load(file).identify(key)
    assert (client.name, client.ceiling, client.weight) == ("web", 50, 2.5)
    assert client.rights == {Right.READ, Right.FORCE}
    assert client.allowance == {Window.MINUTE: 100, Window.MONTH: 20_000}


def test_a_client_without_limits_may_read(tmp_path: Path) -> None:
    file = tmp_path / "clients.toml"
    key = run("keys", "add", "web", "--file", str(file)).stdout.strip()
    client = Clients.load(file).identify(key)
    assert client.rights == {Right.READ}
    assert (client.ceiling, client.allowance, client.weight) == (None, {}, 1)


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
    assert "already has a client web" in result.stderr
    assert file.read_text() == before


def test_a_client_publishes_for_the_accounts_that_were_named(tmp_path: Path) -> None:
    file = tmp_path / "clients.toml"
    named = ["--account", "787132", "--account", "75885841119"]
    key = run("keys", "add", "studio", "--rights", "read,write", *named, "--file", str(file)).stdout.strip()
    client = Clients.load(file).identify(key)
    assert client.accounts == frozenset({"787132", "75885841119"})
    assert client.may(Right.WRITE, "787132")
    assert not client.may(Right.WRITE, "1")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--account", "787132"], "needs `write` or `interact` among --rights"),
        (["--rights", "write", "--account", "natgeo"], "An account must be a numeric id"),
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
        ("--rights=read,delete", "must be some of read,write,interact,force,balance,introspect,operate"),
        ("--ceiling=-1", "must be a whole number"),
        ("--ceiling=\u0661", "must be a whole number"),
        *((f"--weight={value}", "must be a number from 0.01 to 100") for value in ("0", "101", "nan", "1_0", "many")),
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
    made = re.sub(r'sha256 = "[0-9a-f]{64}"', 'sha256 = "..."', made)
    assert re.sub(r"created = [0-9TZ:-]+", "created = 2026-03-12T08:35:26Z", made) == entry


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A clients file with the client `web` of before there were several keys."""
    path = tmp_path / "clients.toml"
    path.write_text(f'[[client]]\nname = "web"\nkey_sha256 = "{DIGEST}"\nceiling = 5\nallowance = {{ day = 9 }}\n')
    return path


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ([], "No allowance, no ceiling: this client may spend without limit."),
        (["--ceiling", "5"], "No allowance: this client may spend without limit."),
        (["--allowance", "day=5"], ""),
    ],
)
def test_a_client_without_limits_is_told_of(limits: list[str], said: str, tmp_path: Path) -> None:
    result = run("keys", "add", "web", *limits, "--file", str(tmp_path / "clients.toml"))
    assert result.returncode == 0
    assert said in result.stderr
    assert said or "without limit" not in result.stderr


def test_a_rotated_key_is_shown_once_beside_the_end_of_those_before(file: Path) -> None:
    result = run("keys", "rotate", "web", "--overlap", "24h", GATEWAY_CLIENTS_FILE=str(file))
    assert result.returncode == 0
    key = result.stdout.removesuffix("\n")
    assert key not in result.stderr + file.read_text()
    clients = Clients.load(file)
    new, old = clients.everyone
    assert clients.identify(key) == new
    assert old.key is not None
    assert new.key is not None
    assert (new.key.expires, old.key.digest.hex()) == (None, DIGEST)
    assert new.key.created is not None
    assert old.key.expires is not None
    assert old.key.expires - new.key.created == 86_400
    assert "Its keys of before expire at 20" in result.stderr


@pytest.mark.parametrize("span", ["24", "1w", "-1h", "367d", "h", "1.5h"])
def test_an_overlap_that_is_none_is_refused_with_what_is_accepted(span: str, file: Path) -> None:
    result = run("keys", "rotate", "web", f"--overlap={span}", "--file", str(file))
    assert result.returncode == 2
    assert "must be a number with s, m, h or d, 366d at most" in " ".join(result.stderr.split())


def test_what_there_is_is_listed_with_when_it_was_used(file: Path, tmp_path: Path) -> None:
    """Also while no gateway runs: the last use is read from the data directory."""
    run("keys", "rotate", "web", "--overlap", "0s", "--file", str(file))
    run("keys", "add", "shop", "--rights", "read,write", "--weight", "0.5", "--file", str(file))
    run("keys", "rename", "web", "site", "--file", str(file))
    run("keys", "disable", "shop", "--file", str(file))
    Uses(tmp_path).note({DIGEST[:12]: EPOCH})
    result = run("keys", "list", GATEWAY_CLIENTS_FILE=str(file), GATEWAY_DATA_DIR=str(tmp_path))
    assert (result.returncode, result.stderr) == (0, "")
    heading, new, old, shop = [re.split(r" {2,}", line) for line in result.stdout.splitlines()]
    assert heading[:6] == ["client", "id", "rights", "ceiling", "allowance", "weight"]
    assert heading[6:] == ["key", "created", "expires", "last used", "state"]
    assert new[:6] == old[:6] == ["site", "web", "read", "5", "day=9", "1"]
    assert shop[:6] == ["shop", "shop", "read,write", "none", "unlimited", "0.5"]
    assert (new[8:], shop[8:]) == (["never", "never", "good"], ["never", "never", "disabled"])
    assert (old[6:8], old[9:]) == ([DIGEST[:12], "unknown"], ["2026-03-12 08:35:26", "expired"])
    assert DIGEST not in result.stdout


def test_a_client_is_changed_by_its_name(file: Path) -> None:
    """Nothing goes to standard output: there is no key to be kept."""
    for arguments, state in [
        (["disable", "web"], ("web", "web", True)),
        (["enable", "web"], ("web", "web", False)),
        (["rename", "web", "site"], ("site", "web", False)),
    ]:
        result = run("keys", *arguments, "--file", str(file))
        assert (result.returncode, result.stdout) == (0, "")
        assert "kill -HUP" in result.stderr
        (client,) = Clients.load(file).everyone
        assert (client.name, client.id, client.is_disabled) == state
    run("keys", "rotate", "site", "--file", str(file))
    assert run("keys", "remove", "site", "--key", DIGEST[:12], "--file", str(file)).returncode == 0
    (client,) = Clients.load(file).everyone
    assert client.key is not None
    assert client.key.digest.hex() != DIGEST
    assert run("keys", "remove", "site", "--file", str(file)).returncode == 0
    assert list(Clients.load(file).everyone) == []


@pytest.mark.parametrize("command", ["rotate", "disable", "enable", "remove"])
def test_a_client_that_is_none_is_told(command: str, file: Path) -> None:
    before = file.read_text()
    result = run("keys", command, "shop", "--file", str(file))
    assert (result.returncode, result.stdout) == (2, "")
    assert "has no client shop: list the clients with `highlights-gateway keys list`." in result.stderr
    assert file.read_text() == before


def test_a_record_of_uses_that_cannot_be_read_is_told(file: Path, tmp_path: Path) -> None:
    (tmp_path / "keys.sqlite3").write_text("no database, though it is longer than the head of one")
    result = run("keys", "list", "--file", str(file), GATEWAY_DATA_DIR=str(tmp_path))
    assert (result.returncode, result.stdout) == (1, "")
    assert "keys.sqlite3 cannot be used" in result.stderr


def test_a_rotation_without_overlap_closes_what_the_old_key_began(tmp_path: Path) -> None:
    """Over a real connection: the file is rotated, and the gateway told to read it again."""
    file = tmp_path / "clients.toml"
    old = run("keys", "add", "web", "--file", str(file)).stdout.strip()
    given = {"GATEWAY_CLIENTS_FILE": str(file), "GATEWAY_DATA_DIR": str(tmp_path)}
    with started("serve", **given) as (announcement, process):
        url = address(announcement)
        with connect(f"{url.replace('http', 'ws')}/graphql", subprotocols=[Subprotocol(PROTOCOL)]) as socket:
            socket.send(json.dumps({"type": "connection_init", "payload": {"x-api-key": old}}))
            assert json.loads(socket.recv(timeout=LIMIT)) == {"type": "connection_ack"}
            new = run("keys", "rotate", "web", "--overlap", "0s", "--file", str(file)).stdout.strip()
            process.send_signal(signal.SIGHUP)
            with pytest.raises(ConnectionClosedError) as closed:
                socket.recv(timeout=LIMIT)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4403
        assert "This key expired at" in closed.value.rcvd.reason
        statuses = [ask(url, "{ __typename }", key).status_code for key in (old, new)]
        assert statuses == [401, 200]
