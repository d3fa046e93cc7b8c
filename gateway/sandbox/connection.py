"""What ASGI has no word for: a connection that dies without an answer, and one that waits for ever."""

from __future__ import annotations

from starlette.types import Receive


class ConnectionDropped(ConnectionError):
    """Raised where there is no socket to close: in-process, `httpx.ASGITransport` passes it on as it is."""


async def drop(receive: Receive) -> None:
    """Closes the client's connection before any byte of an answer.

    ASGI cannot say this, so the server's own transport is looked up behind `receive` (uvicorn has one). Raises
    ConnectionDropped where there is none.
    """
    transport = getattr(getattr(receive, "__self__", None), "transport", None)
    if transport is None:
        raise ConnectionDropped("the connection closed before any byte of the answer")
    transport.close()
    await until_gone(receive)


async def until_gone(receive: Receive) -> None:
    """Until the client closes the connection; in-process, until the call is cancelled."""
    while (await receive())["type"] != "http.disconnect":
        pass
