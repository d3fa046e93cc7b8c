"""The accounts that one process publishes for: those that are connected, and that of the configured token."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass

import httpx
from starlette.routing import Route

from gateway.accounts.account_records import ConnectionState, StoredState
from gateway.accounts.account_views import AccountView
from gateway.accounts.accounts import topic_of
from gateway.accounts.connecting import Begun
from gateway.accounts.port import ConnectedAccounts
from gateway.accounts.providers import Capability, ConnectScope
from gateway.clients import Client, Clients
from gateway.composition.account_connections import AccountConnections, can_connect
from gateway.composition.account_lookup import AccountLookup
from gateway.composition.spending import Spending
from gateway.domain.publishing import Account
from gateway.errors import PublishingNotConfigured
from gateway.events import AccountConnectionChanged
from gateway.http.routes import oauth
from gateway.planner.upstream_services import UpstreamServices
from gateway.settings import Settings
from gateway.upstream.platforms.dialects import TokensBeside
from gateway.upstream.platforms.likes import Likes
from gateway.upstream.platforms.port import Highlights, MediaUploads, Publisher


class AccountDirectory:
    """The accounts. `usernames` has the name of each by its id; `signal` wakes the flows that wait for a topic."""

    def __init__(
        self,
        settings: Settings,
        transport: httpx.AsyncBaseTransport | None,
        base_url: str,
        *,
        clients: Clients,
        spending: Spending,
        services: UpstreamServices,
        signal: Callable[[str], None],
    ) -> None:
        """Open the store of connected accounts, if there is one. Raise Unusable."""
        self.usernames: dict[str, str] = {}
        self._hook = services.hook
        self._signal = signal
        self._configured: dict[str, AccountView] = {}
        self.connections: AccountConnections | None = None
        if can_connect(settings):
            self.connections = AccountConnections(
                settings,
                transport,
                base_url,
                clients=clients,
                pk_of=AccountLookup(services, spending, clients).pk_of,
                clock=services.clock,
                hook=services.hook,
                on_change=self._on_change,
            )
            for id in self.connections.accounts.known:
                self._update(id)

    @property
    def tokens_beside(self) -> TokensBeside | None:
        return None if self.connections is None else self.connections.tokens

    @property
    def connected(self) -> ConnectedAccounts | None:
        """The accounts that were connected, for what ends the gateway's use of them; None if none can be."""
        return None if self.connections is None else self.connections.accounts

    def add_configured(self, accounts: Iterable[Account], publisher: Publisher) -> None:
        """Add the accounts of the configured token."""
        capabilities = _capabilities_of(publisher)
        for account in accounts:
            self._configured[account.id] = AccountView(
                account.id, ConnectionState.CONNECTED, (), capabilities, expires_at=None
            )
            self.usernames[account.id] = account.username

    def id_of(self, platform_user: str) -> str | None:
        """Return the id of the account that the platform names; None of one that is not used here.

        The platform names a connected account by an id of its own.
        """
        if platform_user in self.usernames:
            return platform_user
        known = {} if self.connections is None else self.connections.accounts.known
        ids = (record.id for record in known.values() if record.user_id == platform_user)
        return next((id for id in ids if id in self.usernames), None)

    def of(self, client: Client) -> ClientAccounts:
        """Return the accounts that a client may use."""
        return ClientAccounts(self, client, tuple(id for id in self.usernames if client.may_see(id)))

    def problems(self) -> dict[str, str]:
        problem = None if self.connections is None else self.connections.accounts.problem
        return {} if problem is None else {"accounts": problem}

    def routes(self) -> list[Route]:
        return [] if self.connections is None else [oauth.route(self.connections.connector)]

    async def aclose(self) -> None:
        """End the threads of the store. For the time after everything that uses the accounts has stopped."""
        if self.connections is not None:
            await self.connections.accounts.aclose()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with contextlib.nullcontext() if self.connections is None else self.connections.running():
            yield

    def view(self, id: str, now: float) -> AccountView | None:
        """Return the account at a time in Unix seconds."""
        connections = self.connections
        record = None if connections is None else connections.accounts.known.get(id)
        if (
            connections is None
            or record is None
            or (record.state is StoredState.DISCONNECTED and id in self._configured)
        ):
            return self._configured.get(id)
        is_own = record.provider == connections.provider.name
        capabilities = connections.provider.capabilities(record.scopes) if is_own else frozenset[Capability]()
        return AccountView(id, record.state_at(now), record.scopes, capabilities, record.expires_at)

    def is_configured(self, id: str) -> bool:
        return id in self._configured

    def disconnected(self) -> None:
        """Report that a client has disconnected an account."""
        self._hook(AccountConnectionChanged("disconnected"))

    def _on_change(self, id: str) -> None:
        self._update(id)
        self._signal(topic_of(id))

    def _update(self, id: str) -> None:
        assert self.connections is not None
        record = self.connections.accounts.known.get(id)
        if record is not None and record.state is not StoredState.DISCONNECTED:
            self.usernames[id] = record.username
        elif id not in self._configured:
            self.usernames.pop(id, None)


@dataclass(frozen=True, slots=True)
class ClientAccounts:
    """The accounts of one client: `ids` are those that it may use."""

    directory: AccountDirectory
    client: Client
    ids: tuple[str, ...]

    def view(self, id: str, now: float) -> AccountView | None:
        return self.directory.view(id, now) if id in self.ids else None

    def is_configured(self, id: str) -> bool:
        """Return whether the account is that of the operator's token, which no client can disconnect."""
        connections = self.directory.connections
        return self.directory.is_configured(id) and (connections is None or id not in connections.accounts.known)

    def may_return_to(self, url: str) -> bool:
        return self._connections().connector.may_return_to(url)

    async def begin(self, return_to: str, scopes: Sequence[ConnectScope], reconnect: str | None) -> Begun:
        """Begin a connection. Raise TooManyPending, AccountsUnavailable and PublishingNotConfigured."""
        return await self._connections().connector.begin(self.client.id, return_to, scopes, reconnect)

    async def disconnect(self, id: str) -> AccountView | None:
        """Disconnect an account, and return it. Raise AccountsUnavailable and PublishingNotConfigured."""
        record = await self._connections().accounts.disconnect(id)
        self.directory.disconnected()
        if record is None:
            return None
        return AccountView(id, ConnectionState.DISCONNECTED, record.scopes, frozenset(), expires_at=None)

    def _connections(self) -> AccountConnections:
        if self.directory.connections is None:
            raise PublishingNotConfigured(
                "This gateway connects no accounts: the operator must set GATEWAY_PLATFORM_APP_ID."
            )
        return self.directory.connections


def _capabilities_of(publisher: Publisher) -> frozenset[Capability]:
    """Return the abilities of the dialect, as nobody knows the permissions of a configured token."""
    abilities = (
        (isinstance(publisher, Highlights), Capability.HIGHLIGHTS),
        (isinstance(publisher, MediaUploads), Capability.PUBLISH_STORY),
        (isinstance(publisher, Likes), Capability.LIKE),
    )
    return frozenset(ability for is_there, ability in abilities if is_there)
