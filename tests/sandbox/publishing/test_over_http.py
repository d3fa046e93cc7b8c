"""The write side on a real port: what only sockets and processes can show."""

from __future__ import annotations

import hmac
import json
import queue
import socket
import threading
from collections.abc import Iterator

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from gateway.sandbox import Sandbox
from gateway.sandbox.faults import DeadKeepAlive, Hang
from tests.commands.process import LIMIT, address, started
from tests.sandbox.publishing.media import film, jpeg
from tests.sandbox.publishing.platform_client import NATGEO, TOKEN, done, new_key

CREATE = f"/platform/users/{NATGEO}/highlights"


@pytest.fixture
def caller(served: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=served, headers=TOKEN, timeout=LIMIT) as caller:
        yield caller


def story(caller: httpx.Client) -> str:
    upload = caller.post("/platform/media/upload", files={"file": ("a", jpeg())}, data={"media_type": "IMAGE"})
    return str(done(caller.post(f"/platform/media/{done(upload, 201)['id']}/stories"), 201)["id"])


def test_a_connection_may_drop_after_the_work_and_the_key_finds_it(caller: httpx.Client, sandbox: Sandbox) -> None:
    sent = {"title": "New", "media_ids": [story(caller)]}
    key = {"idempotency-key": new_key()}
    sandbox.faults.lay(DeadKeepAlive(times=1, when="after"))
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        caller.post(CREATE, json=sent, headers=key)
    assert len(sandbox.publishing.studio.highlights.all) == 1
    made = done(caller.post(CREATE, json=sent, headers=key), 201)
    assert [str(pk) for pk in sandbox.publishing.studio.highlights.all] == [made["pk"]]


@pytest.mark.parametrize(("when", "count"), [("before", 0), ("after", 1)])
def test_a_call_that_hangs_ends_with_the_client_that_gave_up(
    caller: httpx.Client, sandbox: Sandbox, when: str, count: int
) -> None:
    sent = {"title": "New", "media_ids": [story(caller)]}
    sandbox.faults.lay(Hang(times=1, when=when))  # type: ignore[arg-type]
    with pytest.raises(httpx.ReadTimeout):
        caller.post(CREATE, json=sent, timeout=0.2)
    assert len(sandbox.publishing.studio.highlights.all) == count


def test_a_large_film_comes_over_the_wire(caller: httpx.Client) -> None:
    data = film() + bytes(5 * 2**20)
    upload = caller.post("/platform/media/upload", files={"file": ("a", data)}, data={"media_type": "VIDEO"})
    assert upload.status_code == 202


@pytest.fixture
def callback() -> Iterator[tuple[str, queue.Queue[tuple[str, bytes]]]]:
    """A subscriber on a port of its own: its URL, and the signature and body of each event it took."""
    events: queue.Queue[tuple[str, bytes]] = queue.Queue()

    async def take(request: Request) -> Response:
        if request.method == "GET":
            return PlainTextResponse(request.query_params["hub.challenge"])
        events.put((request.headers["x-hub-signature-256"], await request.body()))
        return Response()

    app = Starlette(routes=[Route("/hook", take, methods=["GET", "POST"])])
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/hook", events
    server.should_exit = True
    thread.join()


def test_a_sandbox_of_its_own_has_a_clock_to_move_and_tells_its_subscriber(
    callback: tuple[str, queue.Queue[tuple[str, bytes]]],
) -> None:
    url, events = callback
    with (
        started("sandbox", "--clock", "movable") as (announcement, _),
        httpx.Client(base_url=address(announcement), headers=TOKEN, timeout=LIMIT) as caller,
    ):
        subscription = {"url": url, "app_secret": "secret", "verify_token": "token"}  # pragma: allowlist secret
        done(caller.post("/_control/webhooks", json=subscription), 201)
        expiring = story(caller)
        done(caller.post("/_control/clock", json={"advance": 86_400}))
        told: list[tuple[str, ...]] = []
        while not told or told[-1][0] != "stories":
            signature, body = events.get(timeout=LIMIT)
            assert signature == f"sha256={hmac.digest(b'secret', body, 'sha256').hex()}"
            changes = [change for entry in json.loads(body)["entry"] for change in entry["changes"]]
            told += [(change["field"], *change["value"].values()) for change in changes]
        assert told[-1] == ("stories", expiring, "expired")
        assert len(done(caller.get("/_control/published"))["stories"]) == 1


def test_a_sandbox_keeps_the_machines_time_unless_told_otherwise() -> None:
    with started("sandbox") as (announcement, _):
        answer = httpx.post(f"{address(announcement)}/_control/clock", json={"advance": 1}, timeout=LIMIT)
        assert answer.status_code == 409
