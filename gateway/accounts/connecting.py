"""Connection of accounts: from a client's request over the account owner's consent to a stored token.

The state of a consent is a random number that is used once, within ten minutes, by the client that began it; only its
digest is stored, with the PKCE verifier encrypted. Any process can take the callback.
"""

from __future__ import annotations

import enum
import hashlib
import random
import re
import secrets
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from authlib.common.urls import add_params_to_uri

from gateway.accounts.account_records import AccountRecord, PendingConnection, StoredState
from gateway.accounts.accounts import Accounts
from gateway.accounts.oauth_client import Grant, OAuthClient
from gateway.accounts.providers import ConnectScope
from gateway.accounts.refresh_times import expiry, refresh_time
from gateway.clock import Clock
from gateway.domain.hosts import origin_of
from gateway.errors import GatewayError, UpstreamError, UpstreamInvalidAnswer
from gateway.events import AccountConnectionChanged, Hook

T = TypeVar("T")
STATE_SECONDS = 600.0
STATE = re.compile(r"[A-Za-z0-9_-]{43}")
CODE = re.compile(r"[!-~]{1,2000}")
LONGEST_URL = 2_000  # characters
PLAIN_URL = re.compile(r"[!-\[\]-~]+")  # printable ASCII without a backslash, which browsers take for a slash
# Attempts of the calls that follow the exchange. They can be repeated, unlike the exchange.
ATTEMPTS = 3

MayConnect = Callable[[str, str | None], bool]
"""(id of a client, id of an account or None): whether the client may connect the account, or any."""
PkOf = Callable[[str, str], Awaitable[str]]
"""(id of a client, username): the pk of the user, which the client pays for. Raises GatewayError."""


class ConsentOutcome(enum.Enum):
    """The outcome of a consent, as the page that the browser returns to reads it."""

    CONNECTED = "connected"
    DENIED = "denied"
    FAILED = "failed"
    NOT_ALLOWED = "not_allowed"
    OTHER_ACCOUNT = "other_account"


@dataclass(frozen=True, slots=True)
class Begun:
    """A connection that was begun. `expires_at` is in Unix seconds."""

    authorize_url: str
    expires_at: float


class _Ended(Exception):
    """The consent has ended without a connection."""

    def __init__(self, outcome: ConsentOutcome) -> None:
        super().__init__(outcome.value)
        self.outcome = outcome


class Connector:
    """Connections through one provider. Methods raise AccountsUnavailable while the store cannot be reached."""

    def __init__(
        self,
        accounts: Accounts,
        oauth: OAuthClient,
        *,
        may_connect: MayConnect,
        pk_of: PkOf,
        origins: Iterable[str],
        clock: Clock,
        hook: Hook,
        rng: random.Random,
    ) -> None:
        self.provider = oauth.provider
        self._accounts = accounts
        self._oauth = oauth
        self._may_connect = may_connect
        self._pk_of = pk_of
        self._origins = frozenset(origins)
        self._clock = clock
        self._hook = hook
        self._rng = rng

    def may_return_to(self, url: str) -> bool:
        """Return whether the browser may be sent to a URL after the consent: one of a configured origin."""
        if len(url) > LONGEST_URL or not PLAIN_URL.fullmatch(url):
            return False
        origin = origin_of(url)
        return origin is not None and origin in self._origins

    async def begin(self, client: str, return_to: str, scopes: Iterable[ConnectScope], reconnect: str | None) -> Begun:
        """Begin a connection for a client. `return_to` must be allowed. Raise TooManyPending."""
        state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
        names = self.provider.scopes(scopes)
        now = self._clock.now()
        pending = PendingConnection(
            _digest(state), client, self.provider.name, return_to, names, reconnect, now + STATE_SECONDS, verifier
        )
        await self._accounts.begin(pending, now)
        return Begun(self._oauth.authorize_url(names, state, verifier), pending.expires_at)

    async def finish(self, *, state: str, code: str, error: str, issuer: str) -> str | None:
        """End the consent of a callback, whose parameters are given, and return the URL to send the browser to.

        Return None for a state that is not known, was used before, or has expired: nobody knows where to send the
        browser then.
        """
        pending = await self._accounts.take(_digest(state)) if STATE.fullmatch(state) else None
        if pending is None or pending.expires_at <= self._clock.now():
            return None
        try:
            record = await self._connected(pending, code, error, issuer)
        except _Ended as ended:
            self._hook(AccountConnectionChanged(ended.outcome.value))
            return str(add_params_to_uri(pending.return_to, [("connection", ended.outcome.value)]))
        self._hook(AccountConnectionChanged(ConsentOutcome.CONNECTED.value))
        given = [("connection", ConsentOutcome.CONNECTED.value), ("account", record.id)]
        return str(add_params_to_uri(pending.return_to, given))

    async def _connected(self, pending: PendingConnection, code: str, error: str, issuer: str) -> AccountRecord:
        """Exchange the code, and store the account. Raise _Ended, and AccountsUnavailable."""
        # A consent at another provider than the one that was begun at: its code must not be sent to this one.
        if pending.provider != self.provider.name or issuer not in ("", self.provider.issuer):
            raise _Ended(ConsentOutcome.FAILED)
        if not self._may_connect(pending.client, None):
            raise _Ended(ConsentOutcome.NOT_ALLOWED)
        if error:
            raise _Ended(ConsentOutcome.DENIED if error == "access_denied" else ConsentOutcome.FAILED)
        if not CODE.fullmatch(code):
            raise _Ended(ConsentOutcome.FAILED)
        try:
            grant = await self._oauth.exchange(code, pending.verifier)
            record, token = await self._account(pending, grant)
        except GatewayError as problem:
            raise _Ended(ConsentOutcome.FAILED) from problem
        if pending.reconnect not in (None, record.id):
            raise _Ended(ConsentOutcome.OTHER_ACCOUNT)
        if not self._may_connect(pending.client, record.id):
            raise _Ended(ConsentOutcome.NOT_ALLOWED)
        if await self._is_anothers(record):
            raise _Ended(ConsentOutcome.FAILED)
        return await self._accounts.save(record, token)

    async def _is_anothers(self, record: AccountRecord) -> bool:
        """Return whether the account with this pk has another owner, by the same provider's word.

        The pk may come from a name, which passes from one person to another. One that was disconnected has no token.
        """
        stored = await self._accounts.account(record.id)
        if stored is None or stored.state is StoredState.DISCONNECTED:
            return False
        return stored.provider == record.provider and stored.user_id != record.user_id

    async def _account(self, pending: PendingConnection, grant: Grant) -> tuple[AccountRecord, str]:
        """Return the account of a grant with its long-lived token. Raise GatewayError."""
        now = self._clock.now()
        issued = await self._repeated(lambda: self._oauth.long_token(grant.token))
        owner = await self._repeated(lambda: self._oauth.owner(issued.token))
        if grant.user_id not in owner.ids:
            raise UpstreamInvalidAnswer("The platform gave a token of another account than the one that consented.")
        pk = grant.user_id if self.provider.names_pks else await self._pk_of(pending.client, owner.username)
        expires_at = expiry(now, issued.expires_in)
        record = AccountRecord(
            id=pk,
            user_id=grant.user_id,
            username=owner.username,
            provider=self.provider.name,
            state=StoredState.CONNECTED,
            # The owner may have unticked some.
            scopes=pending.scopes if grant.permissions is None else grant.permissions,
            connected_at=now,
            token_since=now,
            expires_at=expires_at,
            refresh_at=refresh_time(now, expires_at, self._rng),
        )
        return record, issued.token

    async def _repeated(self, call: Callable[[], Awaitable[T]]) -> T:
        for _ in range(ATTEMPTS - 1):
            try:
                return await call()
            except UpstreamError as error:
                await self._clock.sleep(min(error.retry_after or 0.5, 2.0))
        return await call()


def _digest(state: str) -> str:
    return hashlib.sha256(state.encode()).hexdigest()
