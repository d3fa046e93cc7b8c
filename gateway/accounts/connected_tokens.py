"""The tokens of connected accounts in use: decrypted for one request, and never kept.

A configured token, if there is one, serves its own account, unless that is connected.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from gateway.accounts.account_records import AccountRecord, ConnectionState, StoredState
from gateway.accounts.accounts import Accounts, topic_of
from gateway.accounts.refreshing import RefreshOutcome, TokenRefresher
from gateway.clock import Clock
from gateway.domain.publishing import Account
from gateway.errors import (
    AccountDisconnected,
    AccountRestricted,
    AccountsUnavailable,
    ReconnectRequired,
    UnsupportedByPlatform,
    UpstreamUnavailable,
)
from gateway.events import AccountConnectionChanged, Hook
from gateway.upstream.platforms.access_tokens import AccessTokens

T = TypeVar("T")
# A flow is woken by the reconnection. Another process may not notice it at once.
LOOK_SECONDS = 900.0
# A refresh by another process takes seconds, unless that was killed.
REFRESHING_SECONDS = 10.0


class ConnectedTokens:
    """AccessTokens of the accounts that `provider` has connected, and of the configured token."""

    def __init__(
        self,
        accounts: Accounts,
        configured: AccessTokens | None,
        refresher: TokenRefresher,
        *,
        provider: str,
        clock: Clock,
        hook: Hook,
    ) -> None:
        self._accounts = accounts
        self._configured = configured
        self._refresher = refresher
        self._provider = provider
        self._clock = clock
        self._hook = hook

    async def authorized(self, account: str, send: Callable[[str], Awaitable[T]]) -> T:
        """Call `send` with the account's token, and once more with another one if the platform refuses the first.

        Raise ReconnectRequired if none is accepted, AccountDisconnected for an account that is not connected,
        UnsupportedByPlatform for one that another provider has connected, UpstreamUnavailable while the store cannot be
        reached, and the errors of `send`.
        """
        record = await self._record(account)
        if record is None or record.state is StoredState.DISCONNECTED:
            if self._configured is None:
                raise AccountDisconnected("The account is not connected.")
            return await self._configured.authorized(account, send)
        if record.provider != self._provider:
            raise UnsupportedByPlatform(f"Accounts that were connected by {record.provider} cannot publish yet.")
        record, token = await self._token(record)
        try:
            return await send(token)
        except AccountDisconnected:
            await self._after_refusal(record)
        except AccountRestricted as restriction:
            await self._rest(record.id, restriction)
            raise
        record, token = await self._token(record)
        try:
            return await send(token)
        except AccountDisconnected:
            await self._lapse(record)
        raise _reconnect_required(account)

    async def accounts(self) -> Sequence[Account]:
        """Return the account of the configured token. Those that are connected are known without a request."""
        return [] if self._configured is None else await self._configured.accounts()

    async def _record(self, account: str) -> AccountRecord | None:
        try:
            return self._accounts.known.get(account) or await self._accounts.account(account)
        except AccountsUnavailable as exc:
            raise _unavailable() from exc

    async def _token(self, record: AccountRecord) -> tuple[AccountRecord, str]:
        """Return the account as it is now with its token. Raise ReconnectRequired and UpstreamUnavailable."""
        try:
            found = await self._accounts.token(record.id)
        except AccountsUnavailable as exc:
            raise _unavailable() from exc
        now = self._clock.now()
        state = None if found is None else found[0].state_at(now)
        if found is None or state is ConnectionState.RECONNECT_REQUIRED:
            raise _reconnect_required(record.id)
        if state is ConnectionState.RESTRICTED:
            raise _restricted(record.id, (found[0].rests_until or now) - now)
        return found

    async def _rest(self, id: str, restriction: AccountRestricted) -> None:
        """Let the account rest in all processes: each request would make the restriction longer."""
        restriction.topic = topic_of(id)
        try:
            await self._accounts.rest(id, self._clock.now() + (restriction.retry_after or 0.0))
        except AccountsUnavailable as exc:
            raise _unavailable() from exc
        self._hook(AccountConnectionChanged("restricted"))

    async def _after_refusal(self, record: AccountRecord) -> None:
        """Refresh a token that the platform refused, or require a reconnection; another process may be faster.

        Raise UpstreamUnavailable while it is not known whether the token can be refreshed: a reconnection costs the
        owner's time.
        """
        try:
            if self._refresher.may_refresh(record):
                outcome = await self._refresher.refresh(record.id, refused=record.version)
                if outcome in (RefreshOutcome.BUSY, RefreshOutcome.FAILED):
                    raise UpstreamUnavailable(
                        "The platform refuses the token of the account, which is being refreshed.",
                        retry_after=REFRESHING_SECONDS,
                    )
        except AccountsUnavailable as exc:
            raise _unavailable() from exc
        await self._lapse(record)

    async def _lapse(self, record: AccountRecord) -> None:
        """Require a reconnection, unless the account has changed since."""
        try:
            if await self._accounts.lapse(record):
                self._hook(AccountConnectionChanged("reconnection_required"))
        except AccountsUnavailable as exc:
            raise _unavailable() from exc


def _reconnect_required(account: str) -> ReconnectRequired:
    error = ReconnectRequired(
        "The platform accepts no token of this account: connect it again, and this goes on by itself.",
        retry_after=LOOK_SECONDS,
    )
    error.topic = topic_of(account)
    return error


def _restricted(account: str, seconds: float) -> AccountRestricted:
    error = AccountRestricted("The account rests: the platform restricts its actions.", retry_after=seconds)
    error.topic = topic_of(account)
    return error


def _unavailable() -> UpstreamUnavailable:
    return UpstreamUnavailable("The token of the account cannot be read now.", retry_after=5.0)
