"""Working for somebody who may hang up, or read slowly."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import nullcontext
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.http.unsent import Reader, reader_in
from gateway.scheduling import turn

# As much is written before it is asked whether the client keeps up.
PIECE = 65_536  # bytes


async def cancel_on_disconnect(receive: Receive, work: Coroutine[Any, Any, None]) -> None:
    """Runs `work` and cancels it when the client goes away. The request's body has been read by then.

    It runs in the caller's own task: another would have to wait for its first turn of the event loop. What `work`
    shares with others is theirs to keep: nobody waits for it by cancelling.
    """
    worker = asyncio.current_task()
    assert worker is not None, "a coroutine runs in a task"
    gone = asyncio.create_task(_hang_up(receive, worker))
    try:
        await work
    except asyncio.CancelledError:
        # Of two who cancel it, the other one means the worker itself.
        if not gone.done() or gone.cancelled() or worker.uncancel():
            raise
    finally:
        gone.cancel()


async def _hang_up(receive: Receive, worker: asyncio.Task[Any]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    worker.cancel()


def without_body(send: Send) -> Send:
    """For HEAD: the headers of the answer, its length too, and nothing after them."""

    async def send_headers(message: Message) -> None:
        body = {"body": b""} if message["type"] == "http.response.body" else {}
        await send({**message, **body})

    return send_headers


class InPieces:
    """ASGI middleware: sends long bodies piece by piece.

    A server waits for a slow reader between messages alone: what is handed to it at once it holds at once. `in_turns`:
    others go on between two pieces, as what is done with each takes long.
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
        with nullcontext() if reader is None else reader.holding(len(body)):
            for at in range(0, last, PIECE):
                await send({**message, "body": body[at : at + PIECE], "more_body": True})
                if self.in_turns:
                    await turn()
                if reader is not None:
                    if reader.is_cut:
                        await turn()  # until the server knows it as well
                        return
                    reader.note()
            await send({**message, "body": body[last:]})
