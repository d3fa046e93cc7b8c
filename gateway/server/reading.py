"""What is read from a connection, and when nothing is."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from gateway.domain.shares import Share


class HeldFlow(FlowControl):
    """Reads nothing while `is_held`, whoever waits for more of a body. `untaken` counts what nobody has taken of it."""

    is_held = False

    def __init__(self, transport: asyncio.Transport, untaken: Share) -> None:
        super().__init__(transport)
        self.untaken = untaken

    def resume_reading(self) -> None:
        """Called by whoever takes all that has come of a body, and when it is answered."""
        self.untaken.hold(0)
        self.read_on()

    def read_on(self) -> None:
        if not self.is_held:
            super().resume_reading()


def is_answered(cycle: RequestResponseCycle | None) -> bool:
    """Or there was none yet."""
    return cycle is None or cycle.response_complete


def announced_length(headers: list[tuple[bytes, bytes]]) -> int:
    """That a body announces; 0 for one in chunks. The parser has checked it by then."""
    fields = dict(headers)
    return 0 if b"transfer-encoding" in fields else int(fields.get(b"content-length", b"0"))


def disconnect(cycle: RequestResponseCycle | None) -> None:
    if cycle is not None and not cycle.response_complete:
        cycle.disconnected = True
        cycle.message_event.set()
