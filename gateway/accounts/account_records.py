"""Records of connected accounts and of connections in progress. None of them holds a token."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

EXPIRING_SECONDS = 7 * 86_400.0


class ConnectionState(enum.Enum):
    CONNECTED = "CONNECTED"
    EXPIRING = "EXPIRING"
    RECONNECT_REQUIRED = "RECONNECT_REQUIRED"
    RESTRICTED = "RESTRICTED"
    DISCONNECTED = "DISCONNECTED"


class StoredState(enum.Enum):
    """The states that are stored; the others depend on the time."""

    CONNECTED = "CONNECTED"
    RECONNECT_REQUIRED = "RECONNECT_REQUIRED"
    DISCONNECTED = "DISCONNECTED"


@dataclass(frozen=True, slots=True)
class AccountRecord:
    """A connected account. `id` is the user's pk, as reads know it; `user_id` is the platform's id of it.

    `scopes` are the platform's names. Times are Unix seconds; `expires_at` is None for a token that does not expire,
    `refresh_at` for one that cannot be refreshed. `version` grows with each change.
    """

    id: str
    user_id: str
    username: str
    provider: str
    state: StoredState
    scopes: tuple[str, ...]
    connected_at: float
    token_since: float
    expires_at: float | None
    refresh_at: float | None
    version: int = 0
    rests_until: float | None = None
    """Until then the platform restricts the account's actions."""

    def state_at(self, now: float) -> ConnectionState:
        """Return the state at a time in Unix seconds."""
        if self.state is not StoredState.CONNECTED:
            return ConnectionState(self.state.value)
        if self.expires_at is not None and self.expires_at <= now:
            return ConnectionState.RECONNECT_REQUIRED
        if self.rests_until is not None and self.rests_until > now:
            return ConnectionState.RESTRICTED
        if self.expires_at is None:
            return ConnectionState.CONNECTED
        return ConnectionState.EXPIRING if self.expires_at - now < EXPIRING_SECONDS else ConnectionState.CONNECTED

    @property
    def has_token(self) -> bool:
        return self.state is StoredState.CONNECTED


@dataclass(frozen=True, slots=True)
class PendingConnection:
    """A consent that was begun. `digest` is that of its state, `client` the id of the client that began it.

    `reconnect` is the id of the account to reconnect, if only that one will do. Times are Unix seconds.
    """

    digest: str
    client: str
    provider: str
    return_to: str
    scopes: tuple[str, ...]
    reconnect: str | None
    expires_at: float
    verifier: str = field(repr=False)


class TooManyPending(Exception):
    """The client has begun too many connections that did not end."""
