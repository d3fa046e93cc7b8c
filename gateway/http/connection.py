"""Working for somebody who may hang up."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from starlette.types import Message, Receive, Send


async def while_connected(receive: Receive, work: Coroutine[Any, Any, None]) -> None:
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
