"""Client disconnects and slow readers: cancellation of work, and response bodies in pieces."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.http.unsent import Reader, reader_in
from gateway.scheduling import turn

# Size of a piece: after each one the server checks whether the client keeps up.
PIECE = 65_536  # bytes


async def cancel_on_disconnect(receive: Receive, work: Coroutine[Any, Any, None]) -> None:
    """Run `work`, and cancel it when the client disconnects. The request's body must have been read already.

    `work` runs in the caller's own task: a new task would have to wait for its first turn of the event loop.
    Cancelling it does not cancel calls that it shares with other requests.
    """
    worker = asyncio.current_task()
    assert worker is not None, "a coroutine runs in a task"
    gone = asyncio.create_task(_hang_up(receive, worker))
    try:
        await work
    except asyncio.CancelledError:
        # `uncancel` is above 0 if something else cancelled the task as well: then the error belongs to it.
        if not gone.done() or gone.cancelled() or worker.uncancel():
            raise
    finally:
        gone.cancel()


async def _hang_up(receive: Receive, worker: asyncio.Task[Any]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    worker.cancel()


def without_body(send: Send) -> Send:
    """Return `send` for HEAD requests: headers, with the content length, and an empty body."""

    async def send_headers(message: Message) -> None:
        body = {"body": b""} if message["type"] == "http.response.body" else {}
        await send({**message, **body})

    return send_headers


class InPieces:
    """ASGI middleware that sends long bodies piece by piece.

    A server applies back-pressure only between messages, so a body sent in one message is buffered whole. `in_turns`:
    yield to the event loop between two pieces, because processing each one takes long.
    """

    def __init__(self, app: ASGIApp, *, in_turns: bool = False) -> None:
        self.app = app
        self.in_turns = in_turns

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_pieces(message: Message) -> None:
            if len(message.get("body", b"")) > PIECE:
                await self._send(message, send, reader_in(scope))
            else:
                await send(message)

        await self.app(scope, receive, send_pieces)

    async def _send(self, message: Message, send: Send, reader: Reader | None) -> None:
        body = memoryview(message["body"])
        last = (len(body) - 1) // PIECE * PIECE
        held = 0
        try:
            for at in range(0, last + 1, PIECE):
                # A body that is sent without waiting is never held while something else runs.
                if reader is not None and not held and (self.in_turns or reader.flow.write_paused):
                    held = len(body)
                    reader.hold(held)
                if at == last:
                    await send({**message, "body": body[last:]})
                    return
                await send({**message, "body": body[at : at + PIECE], "more_body": True})
                if self.in_turns:
                    await turn()
                if reader is not None and reader.is_cut:
                    await turn()  # until the server has seen the disconnect, too
                    return
                if held:
                    assert reader is not None
                    reader.note()
        finally:
            if reader is not None:
                reader.hold(-held)
