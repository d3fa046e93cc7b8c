"""Flow control for reading from a connection, and helpers for uvicorn's requests."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from gateway.domain.shares import Share


class HeldFlow(FlowControl):
    """uvicorn's flow control, which does not read while `is_held`. `untaken` counts the unread bytes of a body."""

    is_held = False

    def __init__(self, transport: asyncio.Transport, untaken: Share) -> None:
        super().__init__(transport)
        self.untaken = untaken

    def resume_reading(self) -> None:
        """Release the bytes of the body and read on. uvicorn calls it once they are taken, and after the response."""
        self.untaken.hold(0)
        self.read_on()

    def read_on(self) -> None:
        if not self.is_held:
            super().resume_reading()


def is_answered(cycle: RequestResponseCycle | None) -> bool:
    """Return whether the request is answered, or there is none yet."""
    return cycle is None or cycle.response_complete


def announced_length(headers: list[tuple[bytes, bytes]]) -> int:
    """Return the content length; 0 for a chunked body. The parser has validated it already."""
    fields = dict(headers)
    return 0 if b"transfer-encoding" in fields else int(fields.get(b"content-length", b"0"))


def disconnect(cycle: RequestResponseCycle | None) -> None:
    if cycle is not None and not cycle.response_complete:
        cycle.disconnected = True
        cycle.message_event.set()
