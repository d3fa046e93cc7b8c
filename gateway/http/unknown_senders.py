"""Request bodies of senders who are unknown until the body is complete, because it is signed.

Few are read at once, in total and per network, and none for long: senders without the secret must not keep others out.
"""

from __future__ import annotations

from starlette.requests import Request

from gateway.domain.shares import Count
from gateway.errors import TooManyBodies
from gateway.http.bodies import Bodies
from gateway.http.request_parsing import body_of, network_of_peer

MOST_BODIES = 16
MOST_EACH = 4
PATIENCE = 10.0  # seconds


class UnknownSenders:
    """The senders of one kind of request."""

    def __init__(self) -> None:
        self._senders = Count(MOST_EACH, MOST_BODIES)
        self._bodies = Bodies()

    async def body_of(self, request: Request) -> bytes:
        """Return the body. Raise TooManyBodies, BodyTooLarge, InvalidRequest and ClientDisconnect."""
        peer = network_of_peer(request)
        with self._senders.holding(peer) as may_send:
            if not may_send:
                raise TooManyBodies("Too many at once")
            with self._bodies.reading(peer) as reading:
                return await body_of(request, reading, seconds=PATIENCE)
