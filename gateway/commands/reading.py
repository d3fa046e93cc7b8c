"""What is read from a connection, and when nothing is."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.flow_control import FlowControl

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
