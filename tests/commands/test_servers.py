"""`serve` and `sandbox`."""

from __future__ import annotations

import dataclasses
import errno
import io
import os
import re
import signal
import socket
import tempfile
from pathlib import Path

import httpx
import msgspec
import pytest
from PIL import ExifTags, Image

from gateway.composition.app import create_app
from gateway.errors import Unusable
from gateway.settings import Settings
from tests.commands.process import LIMIT, address, ask, launched, logged, run, started

TRAY = '{ user(by: { username: "natgeo" }) { highlights { totalCount } } }'


def test_serve_announces_the_sandbox_and_a_url_that_answers(tmp_path: Path) -> None:
    with started("serve", GATEWAY_DATA_DIR=str(tmp_path)) as (announcement, _):
        assert "sandbox" in announcement
        assert httpx.get(f"{address(announcement)}/healthz", timeout=LIMIT).status_code == 200


@pytest.mark.skipif(not Path("/proc/self/limits").exists(), reason="needs the /proc of Linux")
def test_serve_writes_no_core_which_would_have_tokens_in_it(tmp_path: Path) -> None:
    with started("serve", GATEWAY_DATA_DIR=str(tmp_path)) as (_, process):
        limits = Path(f"/proc/{process.pid}/limits").read_text()
    assert re.search(r"^Max core file size +0 +0 ", limits, re.MULTILINE), limits


def test_serve_announces_the_api_it_was_pointed_at_and_tells_nobody_the_key(tmp_path: Path) -> None:
    """At their finest level the libraries below log the headers they send."""
    with started("sandbox") as (upstream, _):
        given = {
            "GATEWAY_HIKERAPI_URL": address(upstream),
            "GATEWAY_HIKERAPI_KEY": "sandbox-key-x",  # pragma: allowlist secret
            "GATEWAY_DATA_DIR": str(tmp_path),
            "GATEWAY_LOG_LEVEL": "debug",
        }
        with started("serve", **given) as (announcement, process):
            assert f"the upstream is {address(upstream)}" in announcement
            answer = ask(address(announcement), TRAY)
            assert answer.status_code == 200
            process.terminate()
            _, log = process.communicate(timeout=LIMIT)
            assert "sandbox-key-x" not in announcement + log + answer.text


@pytest.mark.parametrize(
    ("key", "url", "told"),
    [
        ("wrong", None, "state=refuses upstream=reading problem=\"The upstream refused the gateway's own key"),
        ("sandbox", "http://127.0.0.1:9", 'state=fails upstream=reading problem="Could not connect to the upstream'),
    ],
)
def test_an_upstream_that_cannot_be_used_is_told_at_the_start(
    key: str, url: str | None, told: str, tmp_path: Path
) -> None:
    """Nobody has to ask anything for it."""
    with started("sandbox") as (upstream, _):
        given = {"GATEWAY_HIKERAPI_URL": url or address(upstream), "GATEWAY_HIKERAPI_KEY": key}
        with started("serve", GATEWAY_DATA_DIR=str(tmp_path), **given) as (announcement, process):
            line = logged(process, "UpstreamAccess")
            assert " level=ERROR " in line
            assert told in line
            assert httpx.get(f"{address(announcement)}/healthz", timeout=LIMIT).status_code == 200


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "ALL_PROXY", "http_proxy"])
def test_a_proxy_that_cannot_be_asked_is_refused_by_its_name(variable: str, tmp_path: Path) -> None:
    result = run("serve", "--port", "0", GATEWAY_DATA_DIR=str(tmp_path), **{variable: "socks5://name:word@127.0.0.1:1"})
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith(f"{variable} must be an http or https URL")
    assert "word" not in result.stderr


def test_serve_announces_the_proxy_by_which_the_api_is_asked(tmp_path: Path) -> None:
    """That nothing listens there is told like any upstream that is away."""
    given = {
        "GATEWAY_HIKERAPI_KEY": "key",  # pragma: allowlist secret
        "GATEWAY_DATA_DIR": str(tmp_path),
        "HTTPS_PROXY": "http://name:word@127.0.0.1:9",  # pragma: allowlist secret
    }
    with started("serve", **given) as (announcement, process):
        assert "https://api.hikerapi.com by the proxy of HTTPS_PROXY" in announcement
        assert "state=fails" in logged(process, "UpstreamAccess")
        process.terminate()
        _, log = process.communicate(timeout=LIMIT)
        assert "word" not in announcement + log


def test_what_is_published_is_told_to_no_log(tmp_path: Path) -> None:
    """At their finest level the libraries log a picture's metadata, SQL with its values, and what is sent."""
    query = (
        'mutation($file: Upload!) { createHighlight(input: { account: "787132", title: "Private title", '
        'media: [{ file: $file }, { url: "https://images.example.com/private-path.jpg?sig=private-signature" }], '
        'idempotencyKey: "private-key" }) { flow { state } userErrors { code } } }'
    )
    form = {
        "operations": msgspec.json.encode({"query": query, "variables": {"file": None}}).decode(),
        "map": '{"0": ["variables.file"]}',
    }
    with started("serve", GATEWAY_DATA_DIR=str(tmp_path), GATEWAY_LOG_LEVEL="debug") as (announcement, process):
        answer = httpx.post(
            f"{address(announcement)}/graphql",
            data=form,
            files={"0": ("private-name.jpg", a_jpeg_of("private camera"))},
            headers={"graphql-require-preflight": "1"},
            timeout=LIMIT,
        )
        assert answer.json()["data"]["createHighlight"] == {"flow": {"state": "DONE"}, "userErrors": []}
        process.terminate()
        _, log = process.communicate(timeout=LIMIT)
    assert "platform.upload" in log
    assert "private" not in log.lower()


def a_jpeg_of(camera: str) -> bytes:
    """With metadata that says which camera took it."""
    exif, file = Image.Exif(), io.BytesIO()
    exif[ExifTags.Base.Model] = camera
    Image.new("RGB", (540, 960), "navy").save(file, "JPEG", exif=exif)
    return file.getvalue()


@pytest.mark.parametrize("command", ["serve", "sandbox"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_server_ends_cleanly_when_asked_to(command: str, number: signal.Signals, tmp_path: Path) -> None:
    with launched(LIMIT, command, GATEWAY_DATA_DIR=str(tmp_path)) as (announcement, process):
        httpx.get(address(announcement), timeout=LIMIT)
        process.send_signal(number)
        _, log = process.communicate(timeout=LIMIT)
        assert process.returncode == 0
        assert "Traceback" not in log


def test_the_sandbox_answers_the_contract_over_real_http() -> None:
    with started("sandbox") as (announcement, _):
        answer = httpx.get(
            f"{address(announcement)}/v1/user/highlights",
            params={"user_id": "787132"},
            headers={"x-access-key": "sandbox"},
            timeout=LIMIT,
        )
        assert [highlight["user"]["username"] for highlight in answer.json()] == ["natgeo"] * 3


def test_bad_settings_are_told_all_at_once_without_a_traceback() -> None:
    result = run("serve", GATEWAY_TTL_TRAY="ten", GATEWAY_HIKERAPI_KYE="k-123")
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.splitlines() == [
        "GATEWAY_HIKERAPI_KYE is not a setting. The nearest one is GATEWAY_HIKERAPI_KEY.",
        "GATEWAY_TTL_TRAY must be a whole number of seconds from 0 to 31536000.",
    ]


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_strangers_are_not_served_without_a_clients_file(host: str, tmp_path: Path) -> None:
    """Whoever reaches the gateway spends money."""
    result = run("serve", "--host", host, "--port", "0", GATEWAY_DATA_DIR=str(tmp_path / "data"))
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith(f"Other machines can reach the gateway on {host}")
    assert "GATEWAY_CLIENTS_FILE" in result.stderr
    assert not (tmp_path / "data").exists()


def test_everybody_with_a_key_is_served_on_every_address(tmp_path: Path) -> None:
    file = tmp_path / "clients.toml"
    key = run("keys", "add", "web", "--file", str(file)).stdout.strip()
    given = {"GATEWAY_CLIENTS_FILE": str(file), "GATEWAY_DATA_DIR": str(tmp_path)}
    with started("serve", "--host", "0.0.0.0", **given) as (announcement, _):
        assert ask(address(announcement), TRAY).status_code == 401
        assert ask(address(announcement), TRAY, key).json()["data"]["user"]["highlights"]["totalCount"] == 3


def statuses(url: str, *hosts: str) -> list[int]:
    """Of a query that is asked for by each of these headers `Host`."""
    query = {"query": "{ __typename }"}
    with httpx.Client(base_url=url, timeout=LIMIT) as client:
        return [client.post("/graphql", json=query, headers={"host": host}).status_code for host in hosts]


@pytest.mark.parametrize("workers", [1, 2])
def test_without_a_clients_file_it_answers_to_names_of_this_machine_alone(workers: int, tmp_path: Path) -> None:
    """A page can have its own name lead to this machine."""
    given = {
        "GATEWAY_HIKERAPI_URL": "http://127.0.0.1:9",
        "GATEWAY_HIKERAPI_KEY": "sandbox",  # pragma: allowlist secret
        "GATEWAY_DATA_DIR": str(tmp_path),
        "GATEWAY_PUBLIC_URL": "https://public.example",
    }
    with started("serve", "--host", "localhost", "--workers", str(workers), **given) as (announcement, _):
        url = announced(announcement)
        port = url.rpartition(":")[2]
        own = (f"localhost:{port}", "LOCALHOST.", f"127.0.0.1:{port}", f"[::1]:{port}", "public.example")
        assert statuses(url, *own) == [200] * len(own)
        assert statuses(url, "evil.example", f"evil.example:{port}", "203.0.113.7", "") == [421] * 4
        assert handshake(url, "evil.example", "evil.example") == 421
        assert handshake(url, "localhost", "localhost") == 101
        assert httpx.get(f"{url}/readyz", headers={"host": "10.0.0.7"}, timeout=LIMIT).status_code in (200, 503)


def test_on_every_address_it_answers_to_addresses_and_the_names_it_was_given(tmp_path: Path) -> None:
    file = tmp_path / "clients.toml"
    run("keys", "add", "web", "--file", str(file))
    given = {"GATEWAY_CLIENTS_FILE": str(file), "GATEWAY_DATA_DIR": str(tmp_path), "GATEWAY_ALLOWED_HOSTS": "gateway"}
    with started("serve", "--host", "0.0.0.0", **given) as (announcement, _):
        url = address(announcement)
        assert statuses(url, "gateway:8000", "203.0.113.7", "[2001:db8::7]", "localhost") == [401] * 4
        assert statuses(url, "evil.example", "gateway.evil.example") == [421] * 2


def announced(announcement: str) -> str:
    found = re.search(r"http://[a-z0-9.]+:[0-9]+", announcement)
    assert found, announcement
    return found[0]


def handshake(url: str, host: str, origin: str) -> int:
    """The status of the answer to one for a WebSocket."""
    headers = {
        "host": host,
        "origin": f"http://{origin}",
        "connection": "Upgrade",
        "upgrade": "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
        "sec-websocket-protocol": "graphql-transport-ws",
    }
    with httpx.stream("GET", f"{url}/graphql", headers=headers, timeout=LIMIT) as response:
        return response.status_code


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("GATEWAY_CLIENTS_FILE", None, "does not exist"),
        ("GATEWAY_CLIENTS_FILE", "[[client]]\nname = 1", "client 1 (line 1): name"),
        ("GATEWAY_DATABASE_URL", "this is not a database", "is it a file of the gateway?"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_without_a_traceback(
    name: str, text: str | None, problem: str, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    if text is not None:
        file.write_text(text)
    prefix = "sqlite:///" if name == "GATEWAY_DATABASE_URL" else ""
    result = run("serve", "--port", "0", **{name: f"{prefix}{file}", "GATEWAY_DATA_DIR": str(tmp_path)})
    assert result.returncode == 2
    assert problem in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("inside", ["", "/data"])
def test_a_data_directory_that_cannot_be_written_is_told_by_its_setting(tmp_path: Path, inside: str) -> None:
    file = tmp_path / "file"
    file.touch()
    result = run("serve", "--port", "0", GATEWAY_DATA_DIR=f"{file}{inside}")
    assert result.returncode == 2
    assert result.stdout == ""
    assert (
        f"GATEWAY_DATA_DIR must name a directory that can be written; {file}{inside}: not a directory." in result.stderr
    )


def test_what_the_system_does_not_permit_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Told by the system's reason; whoever is root is refused nothing, so the refusal is made here."""

    def refuse(**_: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    with pytest.raises(Unusable, match=rf"GATEWAY_DATA_DIR .*{re.escape(str(tmp_path))}: permission denied\."):
        create_app(dataclasses.replace(Settings(), data_dir=tmp_path))


def test_a_hangup_reads_the_clients_again_and_a_broken_file_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "clients.toml"
    run("keys", "add", "web", "--file", str(file))
    given = {"GATEWAY_CLIENTS_FILE": str(file), "GATEWAY_DATA_DIR": str(tmp_path)}
    with started("serve", **given) as (announcement, process):
        url = address(announcement)
        key = run("keys", "add", "router", "--file", str(file)).stdout.strip()
        assert ask(url, TRAY, key).status_code == 401
        process.send_signal(signal.SIGHUP)
        logged(process, "ClientsReloaded")
        assert ask(url, TRAY, key).status_code == 200
        file.write_text("[[client]]\n")
        process.send_signal(signal.SIGHUP)
        assert "client 1 (line 1): name: missing" in logged(process, "ClientsReloadFailed")
        assert ask(url, TRAY, key).status_code == 200


def test_a_hangup_reads_the_trusted_documents_again(tmp_path: Path) -> None:
    """Without a clients file as well."""
    manifest = tmp_path / "manifest.json"
    manifest.write_text("{}")
    given = {"GATEWAY_DOCUMENTS_FILE": str(manifest), "GATEWAY_DOCUMENTS": "trusted", "GATEWAY_DATA_DIR": str(tmp_path)}
    with started("serve", **given) as (announcement, process):
        url = address(announcement)
        assert ask(url, TRAY).status_code == 403
        manifest.write_text(msgspec.json.encode({"tray": TRAY}).decode())
        process.send_signal(signal.SIGHUP)
        logged(process, "DocumentsReloaded")
        assert ask(url, TRAY).status_code == 200
        manifest.write_text("{")
        process.send_signal(signal.SIGHUP)
        assert f"{manifest}: The manifest is not JSON." in logged(process, "DocumentsReloadFailed")
        assert ask(url, TRAY).status_code == 200


def test_nobody_waits_while_the_clients_are_read_again(tmp_path: Path) -> None:
    """From a pipe that says nothing yet, like a disk that does not answer."""
    file = tmp_path / "clients.toml"
    key = run("keys", "add", "web", "--file", str(file)).stdout.strip()
    text = file.read_text()
    given = {"GATEWAY_CLIENTS_FILE": str(file), "GATEWAY_DATA_DIR": str(tmp_path)}
    with started("serve", **given) as (announcement, process):
        url = address(announcement)
        file.unlink()
        os.mkfifo(file)
        process.send_signal(signal.SIGHUP)
        assert [ask(url, TRAY, key).status_code for _ in range(3)] == [200] * 3
        file.write_text(text)
        logged(process, "ClientsReloaded")
        assert ask(url, TRAY, key).status_code == 200


def test_a_port_in_use_is_told_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run("sandbox", "--port", str(port))
    assert result.returncode == 1
    assert result.stderr.startswith(f"Cannot listen on 127.0.0.1 port {port}: ")
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("port", ["65536", "-1", "http", "\u0661"])
def test_a_port_must_be_a_port(port: str) -> None:
    result = run("serve", f"--port={port}")
    assert result.returncode == 2
    assert "must be a number from 0 to 65535" in result.stderr


def test_help_lists_every_setting() -> None:
    listed = set(re.findall(r"GATEWAY_[A-Z_]+", run("serve", "--help").stdout))
    assert listed >= {row.name for row in Settings.table()}
