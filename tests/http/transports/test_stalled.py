"""Bodies that do not come: they are waited for so long, and so many at once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.types import Message

from gateway.http.bodies import MOST_EACH as LARGEST_EACH
from gateway.http.request_parsing import LARGEST_BODY, PATIENCE
from gateway.http.routes.webhooks import PATH, WebhookReceiver
from gateway.http.unknown_senders import MOST_BODIES, MOST_EACH
from gateway.http.unknown_senders import PATIENCE as PATIENCE_WITH_EVENTS
from tests.fakes.clock import VirtualClock
from tests.fakes.inbox import VolatileInbox
from tests.http.transports.conftest import Serve

SIGNED = (b"x-hub-signature-256", b"sha256=" + b"0" * 64)
# Longer than what is read in front of all routes: that is for the server to wait for.
LONG = (b"content-length", b"30000")


class Dripping:
    """Sends a byte every five seconds, after `piece`."""

    def __init__(self, path: str, *headers: tuple[bytes, bytes], peer: str = "192.0.2.1", piece: bytes = b"") -> None:
        self.path = path
        self.headers = headers
        self.peer = peer
        self._pieces = [piece] if piece else []
        self.sent: list[Message] = []

    async def ask(self, app: Any) -> int:
        headers = [(b"host", b"gateway.test"), (b"content-type", b"application/json"), *self.headers]
        scope = {"type": "http", "method": "POST", "path": self.path, "root_path": "", "query_string": b""}
        await app({**scope, "headers": headers, "client": (self.peer, 1)}, self._receive, self._send)
        status: int = self.sent[0]["status"]
        return status

    async def _receive(self) -> Message:
        if self._pieces:
            return {"type": "http.request", "body": self._pieces.pop(), "more_body": True}
        await asyncio.sleep(5)
        return {"type": "http.request", "body": b" ", "more_body": True}

    async def _send(self, message: Message) -> None:
        self.sent.append(message)


def events() -> Starlette:
    """Where the platform posts them. None of these bodies comes so far that anybody would hear of it."""
    receiver = WebhookReceiver("s", "v", VolatileInbox(VirtualClock()), stored=print)
    return Starlette(routes=[receiver.route()])


def now() -> float:
    return asyncio.get_running_loop().time()


async def test_a_body_has_a_minute(serve: Serve) -> None:
    served, begun = await serve(), now()
    asked = Dripping("/graphql", LONG)
    assert await asked.ask(served.app) == 400
    assert b"did not arrive within 60 seconds" in asked.sent[1]["body"]
    assert now() - begun == pytest.approx(PATIENCE)


async def test_a_body_with_events_has_ten_seconds_and_only_some_are_read_at_once() -> None:
    app, begun = events(), now()
    peers = [f"192.0.2.{number}" for number in range(MOST_BODIES + 3)]
    asking = [asyncio.create_task(Dripping(PATH, SIGNED, peer=peer).ask(app)) for peer in peers]
    assert sorted(await asyncio.gather(*asking)) == [400] * MOST_BODIES + [503] * 3
    assert now() - begun == pytest.approx(PATIENCE_WITH_EVENTS)
    assert await Dripping(PATH, SIGNED).ask(app) == 400


async def test_one_address_has_some_of_the_places_for_events() -> None:
    """Whoever cannot sign anything keeps nobody out."""
    app = events()
    peers = [f"2001:db8::{number}" for number in range(MOST_BODIES)] + ["2001:db8:0:1::1"]
    asking = [asyncio.create_task(Dripping(PATH, SIGNED, peer=peer).ask(app)) for peer in peers]
    assert await asyncio.gather(*asking) == [400] * MOST_EACH + [503] * (MOST_BODIES - MOST_EACH) + [400]


async def test_bodies_that_are_being_read_are_bounded_together(serve: Serve) -> None:
    served = await serve()
    large = b" " * (LARGEST_BODY - 1_000)
    asked = [Dripping("/graphql", LONG, piece=large) for _ in range(LARGEST_EACH // len(large) + 4)]
    statuses = await asyncio.gather(*(one.ask(served.app) for one in asked))
    assert statuses.count(503) == 4
    assert statuses.count(400) == len(asked) - 4
    (refused, *_) = (one for one, status in zip(asked, statuses, strict=True) if status == 503)
    assert (b"retry-after", b"1") in refused.sent[0]["headers"]
    assert b"TOO_MANY_BODIES" in refused.sent[1]["body"]
    assert await Dripping("/graphql", LONG).ask(served.app) == 400


@pytest.mark.parametrize("signature", [None, b"", b"sha256=0", b"sha256=" + b"g" * 64, b"sha1=" + b"0" * 64])
async def test_a_body_without_a_signature_is_not_read(signature: bytes | None) -> None:
    app, begun = events(), now()
    headers = () if signature is None else ((b"x-hub-signature-256", signature),)
    assert await Dripping(PATH, *headers).ask(app) == 403
    assert now() == begun
