"""Working for somebody who may hang up."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from starlette.types import Message, Receive, Send


async def while_connected(receive: Receive, work: Coroutine[Any, Any, None]) -> None:
    """Runs `work` and cancels it when the client goes away. The request's body has been read by then.

    What `work` shares with others is theirs to keep: they wait behind shields of their own.
    """
    working = asyncio.create_task(work)
    gone = asyncio.create_task(_hang_up(receive))
    try:
        await asyncio.wait((working, gone), return_when=asyncio.FIRST_COMPLETED)
    finally:
        finished = working.done()
        working.cancel()
        gone.cancel()
        await asyncio.gather(working, gone, return_exceptions=True)
    if finished:
        working.result()


async def _hang_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def without_body(send: Send) -> Send:
    """For HEAD: the headers of the answer, its length too, and nothing after them."""

    async def send_headers(message: Message) -> None:
        body = {"body": b""} if message["type"] == "http.response.body" else {}
        await send({**message, **body})

    return send_headers
