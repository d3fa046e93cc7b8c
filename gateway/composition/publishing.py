"""The publishing part of the composition root: publisher, durable workflows, spool and input validation."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Sequence
from functools import partial

import httpx
from starlette.routing import Route

from gateway.cache.entity_cache import EntityCache
from gateway.clients import Client, Clients
from gateway.clients.table import Version
from gateway.clock import Clock
from gateway.domain.ids import HighlightId, UserId
from gateway.domain.publishing import Account
from gateway.domain.rights import Right
from gateway.durable.engine import DbosDurable
from gateway.durable.port import Durable
from gateway.errors import GatewayError, UpstreamUnavailable
from gateway.events import Hook
from gateway.http.routes.webhooks import Listener, WebhookEvent, webhooks
from gateway.publishing.context import EntityChanged
from gateway.publishing.owners import owner_of
from gateway.publishing.service import Publishing
from gateway.publishing.validation import InputValidator
from gateway.publishing.write import CachedEntry
from gateway.settings import Settings
from gateway.uploads.normalization import MediaNormalizer
from gateway.uploads.spool import Spool
from gateway.upstream.egress.address_policy import AddressPolicy
from gateway.upstream.egress.url_probe import Probe
from gateway.upstream.platforms.dialects import Dialect, connect_publisher, pace
from gateway.upstream.platforms.port import Publisher, Stories
from schema.context import Writes

# The embedded sandbox implements both dialects, each below a path of its own.
SANDBOXED_URL = "http://sandbox/"
SANDBOXED_TOKEN = "sandbox"  # noqa: S105 (opens the sandbox)
ACCOUNTS_SECONDS = 1.0
SWEEP_SECONDS = 3_600.0
NOT_YET = UpstreamUnavailable("The platform has not said yet whose account this is. Ask again.")


class PublishingComponent:
    """The publishing service of one process. `transport` leads to the embedded sandbox, where that is the upstream."""

    def __init__(
        self,
        settings: Settings,
        transport: httpx.AsyncBaseTransport | None,
        *,
        clients: Clients,
        memory: EntityCache,
        clock: Clock,
        hook: Hook,
        durable: Durable | None = None,
    ) -> None:
        """Build the parts. `durable` takes the place of the engine over the database of the settings."""
        self._clients = clients
        self._owners: tuple[Version, dict[str, Client]] = clients.version, _owners(clients)
        self._memory = memory
        self._clock = clock
        self._hook = hook
        self._settings = settings
        self._usernames: dict[str, str] = {}
        self._accounts_error: GatewayError | None = NOT_YET
        rng = random.Random()  # noqa: S311 (spreads waits, is no secret)
        self._publisher = _publisher(settings, transport, clock, hook)
        self.spool = Spool(settings.data_dir / "spool")
        self.durable = durable or DbosDurable(
            settings.flows_url,
            settings.data_dir,
            clock=clock,
            hook=hook,
            dice=rng,
            retention=settings.flow_retention,
            key=settings.flows_key,
        )
        self._probe = Probe.over_network(AddressPolicy(), proxies=settings.proxies)
        self._validator = InputValidator(
            MediaNormalizer(self.spool),
            self._probe,
            self._publisher.traits,
            publishes_uploaded=isinstance(self._publisher, Stories),
        )
        self._publishing = Publishing(
            self.durable,
            self._publisher,
            self.spool,
            clock=clock,
            hook=hook,
            on_change=self._on_change,
            rng=rng,
            may_write=self._may_write,
        )

    def of(self, client: Client) -> Writes:
        """Return the services and accounts that `client` can write with."""
        accounts = tuple(account for account in self._usernames if client.may_write_for(account))
        return Writes(self._publishing, self._validator, accounts, self._accounts_error)

    def routes(self) -> list[Route]:
        settings = self._settings
        # Until the upstream has listed the accounts, no answer about them can have been cached for long.
        listener = Listener(lambda account: account in self._usernames, self.durable.remember, self._on_webhook)
        return webhooks(
            settings.platform_app_secret,
            settings.platform_verify_token,
            listener,
            clock=self._clock,
            hook=self._hook,
        )

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        await self.spool.start()
        await self.durable.launch()
        background = [asyncio.create_task(self._load_accounts()), asyncio.create_task(self._watch_spool())]
        try:
            yield
        finally:
            for task in background:
                task.cancel()
            await asyncio.gather(*background, return_exceptions=True)
            await self.durable.aclose()
            await self._publisher.aclose()
            await self._probe.aclose()
            await self.spool.aclose()

    def _may_write(self, owner: str, right: Right, account: str) -> bool:
        """Return whether the owner has the right for the account now: a workflow outlives the request that began it."""
        version = self._clients.version
        if self._owners[0] != version:
            self._owners = version, _owners(self._clients)
        client = self._owners[1].get(owner)
        return client is not None and client.may(right, account)

    async def _load_accounts(self) -> None:
        """Load the accounts of the tokens, which only the upstream knows; retry until it answers."""
        while self._accounts_error is not None:
            try:
                self._set_accounts(await self._publisher.accounts())
            except GatewayError as error:
                self._accounts_error = error
                await self._clock.sleep(ACCOUNTS_SECONDS)

    async def _watch_spool(self) -> None:
        """Delete the files that no workflow needs any more, including those left by a crash."""
        while True:
            with contextlib.suppress(GatewayError):
                await self.spool.sweep(await self._publishing.holders())
            await self._clock.sleep(SWEEP_SECONDS)

    def _set_accounts(self, accounts: Sequence[Account]) -> None:
        self._usernames = {account.id: account.username for account in accounts}
        self._accounts_error = None

    def _on_change(self, change: EntityChanged) -> None:
        pk = change.entity.id if change.entity is not None and CachedEntry.ENTITY in change.entries else None
        if change.entries:
            self._invalidate(change.account, pk)

    def _on_webhook(self, event: WebhookEvent) -> None:
        self.durable.signal(event.topic)
        if event.highlight is not None:  # other events of an account do not change its tray
            self._invalidate(event.account, event.highlight)

    def _invalidate(self, account: str, pk: str | None) -> None:
        highlight = None if pk is None else HighlightId(pk)
        self._memory.forget(UserId(account), self._usernames.get(account, ""), highlight)


def _owners(clients: Clients) -> dict[str, Client]:
    return {owner_of(client.id): client for client in clients.everyone}


def is_configured(settings: Settings) -> bool:
    """Return whether there is an account to publish for: a configured one, or the embedded sandbox's."""
    return settings.platform_token is not None or settings.sandboxed


def _publisher(settings: Settings, transport: httpx.AsyncBaseTransport | None, clock: Clock, hook: Hook) -> Publisher:
    dialect = Dialect(settings.platform_dialect)
    connect = partial(
        connect_publisher,
        dialect=dialect,
        clock=clock,
        hook=hook,
        policy=pace(settings.platform_timeout),
        rate=settings.platform_rate,
    )
    if settings.platform_token is None or settings.platform_url is None:
        return connect(base_url=SANDBOXED_URL + dialect.value, token=SANDBOXED_TOKEN, transport=transport)
    proxy = settings.proxies.to(settings.platform_url)
    return connect(base_url=settings.platform_url, token=settings.platform_token, proxy=proxy)
