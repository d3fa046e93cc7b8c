"""The conditions under which streams and WebSockets stay open."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.http.connection_limits import ConnectionLimiter
from gateway.http.revocation import Standing
from gateway.http.shutdown import Shutdown


@dataclass(frozen=True, slots=True)
class LongLived:
    """The limit of open connections, the rights of their clients, and the shutdown of the process."""

    places: ConnectionLimiter
    standing: Standing
    shutdown: Shutdown
