"""`price`."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import subprocess
import threading
from pathlib import Path

import pytest

from gateway.commands.base import KEY_VARIABLE
from gateway.operations.trusted_documents import OWN
from tests import processes
from tests.commands.process import LIMIT, PROGRAM, address, ask, environment, run, started

DOCUMENT = """
query Few($name: String!) {
  user(by: { username: $name }) { biography highlights(first: 3) { nodes { title items { nodes { id } } } } }
}
query One($name: String!) { user(by: { username: $name }) { id } }
"""
NATGEO = ["--variables", '{"name": "natgeo"}']


@pytest.fixture
def document(tmp_path: Path) -> str:
    (tmp_path / "few.graphql").write_text(DOCUMENT)
    return str(tmp_path / "few.graphql")


def bounds(output: str) -> dict[str, int]:
    found = re.search(
        r"(?P<expected>\d+) expected, (?P<lower>\d+) at least, (?P<upper>\d+) at most; the cache saves (?P<saved>\d+)",
        output,
    )
    assert found, output
    return {name: int(number) for name, number in found.groupdict().items()}


def asked_at_a_terminal(*arguments: str, key: str) -> tuple[str, str]:
    """What is printed where a key is typed in, and what the terminal shows."""
    ours, theirs = os.openpty()
    pipe = subprocess.PIPE
    command = [*PROGRAM, *arguments]
    with (
        os.fdopen(ours, "wb", buffering=0) as keys,
        os.fdopen(theirs, "rb", buffering=0) as terminal,
        processes.started(
            command, seconds=LIMIT, env=environment({}), stdin=terminal, stdout=pipe, stderr=pipe
        ) as process,
    ):
        assert process.stderr is not None
        assert process.stderr.read(5) == "Key: "
        keys.write(key.encode() + b"\n")
        return process.communicate(timeout=LIMIT)


def test_without_a_gateway_the_cache_is_empty(document: str) -> None:
    """Profile by name, tray by id, three highlights: 1 + 2 + 3. Nobody of that name would leave the first."""
    result = run("price", document, "--operation", "Few", *NATGEO)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == (
        "endpoint             calls  price  total  cached\n"
        "highlight                3      1      3       0\n"
        "profile_by_username      1      1      1       0\n"
        "tray                     1      2      2       0\n"
        "\n"
        "wanted first at  total\n"
        "user                 3\n"
        "user.highlights      3\n"
        "\n"
        "Billed requests: 6 expected, 1 at least, 6 at most; the cache saves 0.\n"
    )


def test_a_running_gateway_knows_what_it_has_and_what_the_client_may_spend(document: str, tmp_path: Path) -> None:
    file = tmp_path / "clients.toml"
    given = {"GATEWAY_CLIENTS_FILE": str(file), "GATEWAY_DATA_DIR": str(tmp_path)}
    key = run("keys", "add", "web", "--ceiling", "6", **given).stdout.strip()
    with started("serve", **given) as (announcement, _):
        url = address(announcement)
        few = ["price", document, "--url", f"{url}/graphql", "--operation", "Few", *NATGEO]  # as `serve` prints it
        assert few[3] in announcement
        known = {KEY_VARIABLE: key}
        cold = run(*few, **known)
        assert bounds(cold.stdout) == {"lower": 1, "expected": 6, "upper": 6, "saved": 0}
        assert "It is within the budget." in cold.stdout
        one = "{ " + DOCUMENT.split("{", 1)[1].split("}\nquery")[0].replace("$name", '"natgeo"') + "}"
        assert ask(url, one, key).headers["x-billed-requests"] == "6"
        assert bounds(run(*few, **known).stdout) == {"lower": 0, "expected": 0, "upper": 0, "saved": 6}
        dear = run("price", document, "--url", url, "--operation", "Few", "--variables", '{"name": "vogue"}')
        assert (dear.returncode, dear.stdout) == (1, "")
        assert dear.stderr.startswith("Send your key")
        (tmp_path / "all.graphql").write_text(DOCUMENT.replace("(first: 3)", ""))
        whole = [str(tmp_path / "all.graphql"), *few[2:-1], json.dumps({"name": "nasa"})]
        assert "It may exceed the budget." in run("price", *whole, **known).stdout
        printed, shown = asked_at_a_terminal(*few, "--ask-key", key=key)
        assert bounds(printed) == {"lower": 0, "expected": 0, "upper": 0, "saved": 6}
        assert key not in printed + shown


@pytest.mark.parametrize("given", [["--key", "hg_secret"], ["--key=hg_secret"]])
def test_a_key_is_no_argument(document: str, given: list[str]) -> None:
    """Everybody on the machine can list processes with their arguments. Neither is it said again."""
    result = run("price", document, *given, "--url", "http://127.0.0.1:9")
    assert (result.returncode, result.stdout) == (2, "")
    assert KEY_VARIABLE in result.stderr
    assert "hg_secret" not in result.stderr


def test_where_nobody_can_be_asked_for_a_key_it_is_said_where_else_it_may_be(document: str) -> None:
    command = [*PROGRAM, "price", document, "--ask-key", "--url", "http://127.0.0.1:9"]
    result = processes.run(command, seconds=LIMIT, env=environment({}))
    assert (result.returncode, result.stdout) == (2, "")
    assert KEY_VARIABLE in result.stderr


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--operation", "Few"], "variables are invalid: Variable '$name'"),
        (["--operation", "Few", "--variables", '{"name": {}}'], "variables are invalid: Variable '$name'"),
        ([*NATGEO], "operationName must name one of the document's operations."),
        (["--operation", "Many", *NATGEO], "operationName must name one of the document's operations."),
        (["--variables", "[1]"], "must be a JSON object"),
        (["--variables", "{"], "must be a JSON object"),
    ],
)
def test_an_operation_that_could_not_run_has_no_price(arguments: list[str], problem: str, document: str) -> None:
    result = run("price", document, *arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert problem in result.stderr


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"{ nope }", "Cannot query field 'nope'"),
        (b"{ user(", "Syntax Error"),
        (b"\xff", "is not UTF-8"),
        (None, "cannot be read: No such file"),
    ],
)
def test_a_document_that_is_none_is_refused(text: bytes | None, problem: str, tmp_path: Path) -> None:
    file = tmp_path / "bad.graphql"
    if text is not None:
        file.write_bytes(text)
    result = run("price", str(file))
    assert (result.returncode, result.stdout) == (2, "")
    assert problem in result.stderr
    assert "Traceback" not in result.stderr


def test_a_gateway_of_trusted_documents_tells_the_price_of_one(tmp_path: Path, document: str) -> None:
    """What it is asked with is trusted too."""
    asked = ("--variables", '{"username": "natgeo"}')
    file = OWN / "tray_by_username.graphql"
    with started("serve", GATEWAY_DATA_DIR=str(tmp_path), GATEWAY_DOCUMENTS="trusted") as (announcement, _):
        priced = run("price", str(file), "--url", address(announcement), *asked)
        other = run("price", document, "--url", address(announcement), "--operation", "One", *NATGEO)
    assert bounds(priced.stdout)["expected"] == 3
    assert (other.returncode, other.stdout) == (1, "")
    assert "This gateway prices only trusted documents" in other.stderr


def test_a_document_that_the_gateway_refuses_is_refused_as_without_it(tmp_path: Path) -> None:
    file = tmp_path / "bad.graphql"
    file.write_text("{ nope }")
    with started("serve", GATEWAY_DATA_DIR=str(tmp_path)) as (announcement, _):
        asked = run("price", str(file), "--url", f"{address(announcement)}/graphql/")
    unasked = run("price", str(file))
    assert (asked.returncode, asked.stderr) == (unasked.returncode, unasked.stderr) == (2, unasked.stderr)


def test_what_answers_must_be_a_gateway(document: str) -> None:
    with started("sandbox") as (announcement, _):
        url = address(announcement)
        stranger = run("price", document, "--url", url)
        assert (stranger.returncode, stranger.stdout) == (1, "")
        assert f"The server at {url} is not a gateway" in stranger.stderr
    gone = run("price", document, "--url", url)
    assert gone.returncode == 1
    assert gone.stderr.startswith(f"No answer from a gateway at {url}: ")


@pytest.mark.parametrize("url", ["", "ftp://gateway.test", "http://[::1", "http://", "http://gateway.test:port"])
def test_what_is_no_address_of_a_gateway_is_refused(document: str, url: str) -> None:
    result = run("price", document, "--url", url)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("--url must be the address that `serve` prints, like http://")


def test_a_gateway_elsewhere_is_asked_by_the_proxy(document: str) -> None:
    heads = list[bytes]()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            heads.append(connection.recv(65_536))
            body = b'{"errors": [{"message": "It was asked."}]}'
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = threading.Thread(target=serve)
        serving.start()
        proxy = f"http://127.0.0.1:{listener.getsockname()[1]}"
        result = run("price", document, "--url", " gateway.example.com/?from=mail#top", HTTP_PROXY=proxy)
        serving.join()
    assert heads[0].startswith(b"POST http://gateway.example.com/graphql ")
    assert (result.returncode, result.stderr) == (1, "It was asked.\n")
    refused = run("price", document, "--url", "http://gateway.example.com", ALL_PROXY="socks5://127.0.0.1:1080")
    assert (refused.returncode, refused.stderr.split()[0]) == (2, "ALL_PROXY")


def test_an_answer_without_an_end_is_left(document: str) -> None:
    sent = 0

    def serve() -> None:
        nonlocal sent
        connection, _ = listener.accept()
        with connection, contextlib.suppress(ConnectionError):
            connection.recv(65_536)
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            while sent < 2**30:
                sent += connection.send(b" " * 65_536)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = threading.Thread(target=serve)
        serving.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        stranger = run("price", document, "--url", url)
        serving.join()
    assert (stranger.returncode, stranger.stdout) == (1, "")
    assert f"The server at {url} is not a gateway" in stranger.stderr
    assert sent < 2**26
