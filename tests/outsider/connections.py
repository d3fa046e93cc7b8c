"""Keys, heads, bodies and WebSockets of a stranger without a key."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import time

import httpx
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode
from websockets.sync.client import ClientConnection

from tests.outsider.target import JSON, Target, attempt, status_on

MIB = 2**20


@attempt("Learning from a refusal which keys exist, or existed")
def unknown_keys(target: Target) -> None:
    if target.key:
        shown = ["hg_unknown", target.key[:-1] + "!", target.key.upper(), "x" * 400]
        responses = [target.post({"query": "{ __typename }"}, {"x-api-key": key}) for key in shown]
        assert not any(key in response.text for key in shown for response in responses), "the key is repeated"
        answers = {_without_request_id(response) for response in responses}
        assert len(answers) == 1, answers


@attempt("Secrets in logs and errors")
def secrets(target: Target) -> None:
    word = "s3cret-" + "w0rd"
    for response in (
        target.request("POST", json={"query": "{ __typename }"}, headers={"authorization": f"Bearer {word}"}),
        target.request("GET", "/graphql", params={"query": "{", "key": word}, headers={"accept": JSON}),
        target.request("GET", f"/media/{word}"),
    ):
        assert word not in response.text, "the key is repeated"


@attempt("A body without a key")
def no_key(target: Target) -> None:
    if target.key:
        head = target.head("POST", f"content-type: {JSON}", "content-length: 1000") + b"\r\n"
        assert target.status(head) == 401


@attempt("A head of 200 MiB, to fill the memory before authentication")
def head(target: Target) -> None:
    assert target.status(target.head("GET", "x: ").removesuffix(b"\r\n"), *[b"a" * MIB] * 8) == 431


@attempt("The same by its request line, one field, many fields, empty lines")
def fields(target: Target) -> None:
    assert target.status(target.head("GET", path="/?" + "a" * 100_000) + b"\r\n") in (414, 431)
    assert target.status(target.head("GET", *["a: b"] * 2_000) + b"\r\n") in (400, 431)
    assert target.status(b"\r\n" * 100_000) in (0, 400, 431)


@attempt("The same by trailers and chunk extensions")
def trailers(target: Target) -> None:
    begun = target.head("POST", f"content-type: {JSON}", "transfer-encoding: chunked") + b"\r\n"
    assert target.status(begun, b"1;" + b"a" * 500_000) in (400, 401, 431)
    assert target.status(begun, b"0\r\n", *[b"x: " + b"a" * 1_000 + b"\r\n"] * 500) in (400, 401, 431)


@attempt("The same by a WebSocket handshake")
def handshake(target: Target) -> None:
    begun = target.head(
        "GET",
        "connection: upgrade",
        "upgrade: websocket",
        "sec-websocket-version: 13",
        "sec-websocket-key: MDEyMzQ1Njc4OWFiY2RlZg==",
        "sec-websocket-protocol: graphql-transport-ws",
    )
    assert target.status(begun, *[b"x: " + b"a" * 1_000 + b"\r\n"] * 40, b"\r\n") in (400, 431)


@attempt("Thousands of members in a header, before authentication")
def members(target: Target) -> None:
    response = target.request("GET", headers={"accept": ",".join(["a/b;q=0.1"] * 5_000)})
    assert response.status_code < 500, response.status_code


@attempt("Thousands of parameters in a URL")
def parameters(target: Target) -> None:
    for path in ("/graphql", "/readyz"):
        response = target.request("GET", path + "?" + "a=1&" * 5_000, headers={"accept": JSON, **target.keyed})
        assert response.status_code == 400, response.status_code


@attempt("A key, host or origin in a trailer, after they were checked")
def late_key(target: Target) -> None:
    if target.key:
        body = json.dumps({"query": "{ __typename }"}).encode()
        begun = target.head("POST", f"content-type: {JSON}", "transfer-encoding: chunked", "trailer: x-api-key")
        sent = begun + b"\r\n%x\r\n%s\r\n0\r\nx-api-key: %s\r\n\r\n" % (len(body), body, target.key.encode())
        assert target.status(sent) == 401


@attempt("TLS 1.2 and earlier")
def old_tls(target: Target) -> None:
    if target.url.startswith("https"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        with contextlib.suppress(OSError):
            Target(target.url, context=context).line().close()
            raise AssertionError("it was spoken")


@attempt("Unsigned webhook events, to keep their bodies in memory")
def webhooks(target: Target) -> None:
    for headers in ({}, {"x-hub-signature-256": "sha256=" + "0" * 64}):
        response = target.request("POST", "/webhooks/instagram", content=b"{}", headers=headers)
        assert response.status_code in (401, 403, 404), response.status_code


@attempt("A WebSocket without a key, or without a right")
def unkeyed_socket(target: Target) -> None:
    subscribe = {"id": "1", "type": "subscribe", "payload": {"query": "{ __typename }"}}
    assert closed_after(subscribe, target) == 4401
    if target.key:
        init = {"type": "connection_init", "payload": {"x-api-key": "hg_unknown"}}
        assert closed_after(init, target) == 4403


@attempt("WebSocket frames before authentication")
def frames(target: Target) -> None:
    with target.websocket() as line:
        line.send("a" * 100_000)
        assert closed_with(line, target) == 1009


@attempt("Messages of endless fragments")
def fragments(target: Target) -> None:
    with target.websocket() as line:
        with contextlib.suppress(ConnectionClosed):
            line.send(["a"] * 5_000)
        assert closed_with(line, target) == 1009


@attempt("Large WebSocket messages")
def messages(target: Target) -> None:
    with target.websocket() as line:
        line.send(json.dumps({"type": "connection_init", "payload": target.keyed}))
        assert json.loads(line.recv(target.seconds))["type"] == "connection_ack"
        with contextlib.suppress(ConnectionClosed):
            line.send("a" * 4 * MIB)
        assert closed_with(line, target) == 1009


@attempt("A head that arrives byte by byte", is_slow=True)
def slow_head(target: Target) -> None:
    begun = time.monotonic()
    with target.line() as line:
        line.sendall(target.head("GET"))
        line.settimeout(1)
        while time.monotonic() - begun < 20:
            with contextlib.suppress(TimeoutError):
                assert (found := status_on_or_wait(line)) in (0, 408), found
                return
            with contextlib.suppress(OSError):
                line.sendall(b"x")
    raise AssertionError("it was waited for")


@attempt("Connections on which nothing arrives", is_slow=True)
def silent(target: Target) -> None:
    begun = time.monotonic()
    with target.line() as line:
        assert status_on(line) == 0
    assert time.monotonic() - begun < 20, "it was waited for"


def _without_request_id(response: httpx.Response) -> str:
    """Its text; each request has an id of its own in every error."""
    body = response.json()
    for error in body.get("errors", ()):
        error["extensions"].pop("requestId", None)
    return json.dumps(body)


def status_on_or_wait(line: socket.socket) -> int:
    """Of what has come by now. Raise TimeoutError."""
    answer = line.recv(100)
    return int(answer.split()[1]) if answer else 0


def closed_after(message: object, target: Target) -> int:
    """The close code of a WebSocket that sends this. One that breaks off without a code is tried again, twice."""
    for _ in range(3):
        with target.websocket() as line:
            with contextlib.suppress(ConnectionClosed):
                line.send(json.dumps(message))
            code = closed_with(line, target)
        if code != CloseCode.ABNORMAL_CLOSURE:
            break
    return code


def closed_with(line: ClientConnection, target: Target) -> int:
    """The close code; whatever comes before is read."""
    with contextlib.suppress(ConnectionClosed):
        for _ in range(100):
            line.recv(target.seconds)
    assert line.close_code is not None
    return line.close_code
