"""Refresh of tokens before they expire: one attempt at a time over all processes, by a lease of each account.

The lease lasts longer than any request. A process that is killed between the platform's answer and the store leaves the
token of before, which the platform still accepts: another process repeats the refresh when the lease has ended.
"""

from __future__ import annotations

import enum
import random
from collections.abc import Callable
from dataclasses import replace

from gateway.accounts.account_records import AccountRecord
from gateway.accounts.account_store import StoreLease
from gateway.accounts.accounts import Accounts
from gateway.accounts.oauth_client import OAuthClient
from gateway.accounts.refresh_times import YOUNGEST_SECONDS, expiry, refresh_time
from gateway.clock import Clock
from gateway.errors import AccountDisconnected, AccountsUnavailable, GatewayError, UpstreamError
from gateway.events import AccountConnectionChanged, Hook

LEASE_SECONDS = 600.0
LOOK_SECONDS = 60.0
# Until another attempt, after a failure and after a refusal that does not say that the token is invalid.
LATER_SECONDS = 900.0
REFUSED_SECONDS = 86_400.0
# The points at which a test kills a process.
LEASED, ANSWERED, STORED = "leased", "answered", "stored"


class RefreshOutcome(enum.Enum):
    """The outcome of an attempt to refresh a token."""

    DONE = enum.auto()
    """It was refreshed, here or by another process, or is not stored any more."""
    REFUSED = enum.auto()
    BUSY = enum.auto()
    """Another process refreshes it, or was killed while it did."""
    FAILED = enum.auto()
    """The platform could not be asked: the token may be refreshed later."""


class TokenRefresher:
    """The refresher of one process, for the accounts of one provider. `at` is called at each point."""

    def __init__(
        self,
        accounts: Accounts,
        oauth: OAuthClient,
        *,
        clock: Clock,
        hook: Hook,
        rng: random.Random,
        at: Callable[[str], None] = lambda point: None,
    ) -> None:
        self._accounts = accounts
        self._oauth = oauth
        self._clock = clock
        self._hook = hook
        self._rng = rng
        self._at = at

    async def watch(self) -> None:
        """Refresh each token when it is due."""
        while True:
            await self._clock.sleep(LOOK_SECONDS)
            for record in list(self._accounts.known.values()):
                if self._is_due(record):
                    try:
                        await self.refresh(record.id)
                    except AccountsUnavailable:
                        continue

    async def refresh(self, id: str, *, refused: int | None = None) -> RefreshOutcome:
        """Refresh a token that is due, unless another process does. Raise AccountsUnavailable.

        `refused` is the version of the account whose token the platform has refused: it need not be due then.
        """
        lease = await self._accounts.lease(f"refresh:{id}", LEASE_SECONDS)
        if lease is None:
            return RefreshOutcome.BUSY
        self._at(LEASED)
        try:
            found = await self._accounts.token(id)
            if found is None or not self._needs_refresh(found[0], refused):
                return RefreshOutcome.DONE
            return await self._replace(*found, lease)
        finally:
            await self._accounts.release(lease)

    def may_refresh(self, record: AccountRecord) -> bool:
        """Return whether the platform would refresh the account's token, by its age."""
        is_own = record.provider == self._oauth.provider.name and record.refresh_at is not None
        return is_own and self._clock.now() - record.token_since >= YOUNGEST_SECONDS

    def _is_due(self, record: AccountRecord) -> bool:
        is_own = record.has_token and record.provider == self._oauth.provider.name
        return is_own and record.refresh_at is not None and record.refresh_at <= self._clock.now()

    def _needs_refresh(self, record: AccountRecord, refused: int | None) -> bool:
        """Return whether no other process was faster."""
        return record.has_token and (self._is_due(record) if refused is None else record.version == refused)

    async def _replace(self, record: AccountRecord, token: str, lease: StoreLease) -> RefreshOutcome:
        now = self._clock.now()
        try:
            issued = await self._oauth.refresh(record.id, token)
        except AccountDisconnected:
            if await self._accounts.lapse(record):
                self._hook(AccountConnectionChanged("reconnection_required"))
            return RefreshOutcome.REFUSED
        except GatewayError as error:
            may_pass = isinstance(error, UpstreamError)
            await self._accounts.delay_refresh(record, now + (LATER_SECONDS if may_pass else REFUSED_SECONDS))
            self._hook(AccountConnectionChanged("not_refreshed"))
            return RefreshOutcome.FAILED if may_pass else RefreshOutcome.REFUSED
        self._at(ANSWERED)
        expires_at = expiry(now, issued.expires_in)
        times = now, expires_at, refresh_time(now, expires_at, self._rng)
        fresh = replace(record, token_since=times[0], expires_at=times[1], refresh_at=times[2])
        if await self._accounts.refreshed(fresh, issued.token, lease):
            self._at(STORED)
            self._hook(AccountConnectionChanged("refreshed"))
        return RefreshOutcome.DONE
