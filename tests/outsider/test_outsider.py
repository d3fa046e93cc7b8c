"""What a stranger may try, tried at a started gateway, and at a server that refuses none of it."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import uvicorn
from starlette.types import Receive, Scope, Send

from tests.meta.tree import ROOT
from tests.outsider.__main__ import started_target, tried
from tests.outsider.target import ATTEMPTS, SLOW, Target

DISCLOSED = {"message": "Did you mean 'username'? See /srv/gateway/app.py", "extensions": {"code": "NONE"}}
# It breaks off nothing, and does not speak TLS.
HARMLESS = {
    "Invalid input of all kinds, to provoke a 500",
    "Thousands of members in a header, before authentication",
    "TLS 1.2 and earlier",
}


def test_each_attempt_is_a_row_of_the_document() -> None:
    rows = re.findall(r"^\| (.+?) \| .+ \| `tests", (ROOT / "docs/security.md").read_text(), re.MULTILINE)
    assert sorted(ATTEMPTS.keys() - set(rows)) == []
    assert len(ATTEMPTS) >= 55


def test_a_started_gateway_refuses_them(tmp_path: Path) -> None:
    """`make scan` makes the slow ones as well."""
    with started_target(tmp_path) as target:
        assert tried(target, with_slow=False) == {}
        assert target.ask("{ __typename }").json()["data"] == {"__typename": "Query"}


def test_a_server_that_refuses_nothing_is_found_out() -> None:
    with plainly_served() as url:
        found = tried(Target(url, "key-of-web", seconds=0.1), with_slow=False)
    assert ATTEMPTS.keys() - found.keys() == SLOW | HARMLESS


@contextlib.contextmanager
def plainly_served() -> Iterator[str]:
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(obliging, lifespan="off", log_level="critical"))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = server.force_exit = True
        thread.join()


async def obliging(scope: Scope, receive: Receive, send: Send) -> None:
    """Does what it is asked, as it seems, and repeats it."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept", "subprotocol": scope["subprotocols"][0]})
        while (await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": '{"type": "connection_ack"}'})
        return
    while (await receive()).get("more_body"):
        pass
    fields = dict(scope["headers"])
    told = [value.decode("latin-1") for value in fields.values()] + [scope["path"], scope["query_string"].decode()]
    body = msgspec.json.encode({"data": {"user": {"id": "1"}}, "errors": [DISCLOSED], "extensions": {"tracing": told}})
    headers = [(b"access-control-allow-origin", b"*"), (b"x-billed-requests", b"1")]
    headers += [(b"content-length", b"%d" % len(body)), (b"location", b"https://" + fields.get(b"host", b""))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
