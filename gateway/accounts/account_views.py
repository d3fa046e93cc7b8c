"""Views of connected accounts for their clients."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.accounts.account_records import ConnectionState
from gateway.accounts.providers import Capability


@dataclass(frozen=True, slots=True)
class AccountView:
    """A connected account, or that of the configured token. `expires_at` is that of its token, in Unix seconds."""

    id: str
    state: ConnectionState
    scopes: tuple[str, ...]
    capabilities: frozenset[Capability]
    expires_at: float | None
