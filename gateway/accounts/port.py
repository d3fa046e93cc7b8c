"""The port to connected accounts: to look them up, and to end what the gateway may do for them."""

from __future__ import annotations

from typing import Protocol

from gateway.accounts.account_records import AccountRecord


class ConnectedAccounts(Protocol):
    """The connected accounts of a gateway. Methods raise AccountsUnavailable while their store cannot be reached."""

    async def account(self, id: str) -> AccountRecord | None:
        """Return the account by its pk; None if it was never connected, or was erased."""

    async def of_platform_user(self, user_id: str) -> AccountRecord | None:
        """Return the account by the id that the platform's webhooks and callbacks name."""

    async def disconnect(self, id: str) -> AccountRecord | None:
        """Forget the token, and end the flows that wait for the account. Idempotent. Return the account, if known."""

    async def require_reconnection(self, id: str) -> AccountRecord | None:
        """Forget the token, which the platform no longer accepts; flows wait for the account to be connected again."""

    async def erase(self, id: str) -> bool:
        """Delete all that is known of the account, and return whether anything was."""
