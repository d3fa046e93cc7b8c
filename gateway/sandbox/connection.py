"""Connection failures that ASGI cannot express: a connection closed without a response, and one left open."""

from __future__ import annotations

from starlette.types import Receive


class ConnectionDropped(ConnectionError):
    """There is no socket to close: in-process, `httpx.ASGITransport` passes this exception on as it is."""


async def drop(receive: Receive) -> None:
    """Close the client's connection before any byte of a response.

    ASGI cannot express this, so the server's own transport is taken from `receive` (uvicorn has one). Raises
    ConnectionDropped if there is none.
    """
    transport = getattr(getattr(receive, "__self__", None), "transport", None)
    if transport is None:
        raise ConnectionDropped("the connection closed before any byte of the answer")
    transport.close()
    await until_gone(receive)


async def until_gone(receive: Receive) -> None:
    """Wait until the client closes the connection or, in-process, the call is cancelled."""
    while (await receive())["type"] != "http.disconnect":
        pass
