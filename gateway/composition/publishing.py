"""The publishing part of the composition root: publisher, durable workflows, spool and input validation."""

from __future__ import annotations

import contextlib
import random
from collections.abc import AsyncIterator, Mapping

import httpx
from starlette.routing import Route

from gateway.clients import Client, Clients
from gateway.composition.account_directory import AccountDirectory
from gateway.composition.background import background
from gateway.composition.flow_engine import flow_engine
from gateway.composition.gateway_keys import GatewayKeys
from gateway.composition.input_validation import input_validator
from gateway.composition.invalidation import Invalidation
from gateway.composition.publisher import connected_publisher
from gateway.composition.spending import Spending
from gateway.composition.spools import spool_of
from gateway.composition.webhook_component import Listener, webhooks_of
from gateway.composition.workflow_clients import WorkflowClients
from gateway.durable.port import Durable
from gateway.errors import AccountDisconnected, GatewayError, PermissionMissing, UpstreamUnavailable
from gateway.http.shutdown import Shutdown
from gateway.planner.upstream_services import UpstreamServices
from gateway.publishing.service import Publishing
from gateway.settings import Settings
from gateway.webhooks.event_reader import WebhookEvent
from schema.context import Writes

ACCOUNTS_SECONDS = 1.0
REFUSED_SECONDS = 60.0  # a token that was refused is rarely accepted again
SWEEP_SECONDS = 3_600.0
ACCOUNTS_UNKNOWN = (
    "The platform has not said whose account this is since the gateway started: nothing is published, "
    "except for connected accounts."
)
REFUSAL_PROBLEM = (
    "The platform refuses GATEWAY_PLATFORM_TOKEN: nothing is published, except for connected accounts. Set a new token."
)
# The errors by which the platform says that it does not accept the token. Others may end by themselves.
REFUSALS = (AccountDisconnected, PermissionMissing)
NOT_YET = UpstreamUnavailable("The platform has not said yet whose account this is. Ask again.")


class PublishingComponent:
    """The publishing service of one process. `transport` leads to the embedded sandbox, where that is the upstream."""

    def __init__(
        self,
        settings: Settings,
        transport: httpx.AsyncBaseTransport | None,
        clients: Clients,
        services: UpstreamServices,
        durable: Durable | None,
        shutdown: Shutdown,
        keys: GatewayKeys,
        base_url: str,
        spending: Spending,
    ) -> None:
        """Build the parts. `durable` takes the place of the engine over the database of the settings.

        `base_url` is the gateway's own. Raise Unusable.
        """
        clock, hook = services.clock, services.hook
        self._clock, self._hook = clock, hook
        self._settings = settings
        self._shutdown = shutdown
        self.accounts = AccountDirectory(
            *(settings, transport, base_url),
            clients=clients,
            spending=spending,
            services=services,
            signal=lambda topic: self.durable.signal(topic),
        )
        self._invalidation = Invalidation(services.memory, self.accounts.usernames)
        self._accounts_error: GatewayError | None = NOT_YET
        self._rng = random.Random()  # nosec B311 # noqa: S311 (spreads waits, is no secret)
        beside = self.accounts.tokens_beside
        self._publisher = connected_publisher(settings, transport, clock, hook, services.tracer, beside)
        self.spool = spool_of(settings, clock)
        self.durable = durable or flow_engine(settings, keys, clock, hook, self._rng, services.tracer)
        self._validator, self._probe = input_validator(self.spool, self._publisher, settings.proxies)
        self._publishing = self._service(WorkflowClients(clients))
        listener = Listener(self._knows_accounts, self.accounts.id_of, self._on_webhook)
        self.webhooks = webhooks_of(settings, listener, clock=clock, hook=hook)

    def _service(self, clients: WorkflowClients) -> Publishing:
        return Publishing(
            self.durable,
            self._publisher,
            self.spool,
            clock=self._clock,
            hook=self._hook,
            on_change=self._invalidation.on_change,
            rng=self._rng,
            may_write=clients.may_write,
            queue_client=clients.queue_client,
        )

    def of(self, client: Client) -> Writes:
        """Return the services and accounts that `client` can write with."""
        return Writes(self._publishing, self._validator, self.accounts.of(client), self._accounts_error)

    def problems(self) -> dict[str, str]:
        """Return one sentence for each part that keeps the gateway from publishing."""
        failing = {
            "flows": self.durable.problem(),
            "platform": self._accounts_problem(),
            "webhooks": None if self.webhooks is None else self.webhooks.worker.problem,
        }
        return self.accounts.problems() | {part: text for part, text in failing.items() if text is not None}

    @property
    def usernames(self) -> Mapping[str, str]:
        """The names of the accounts by id, as far as they are known."""
        return self.accounts.usernames

    def routes(self) -> list[Route]:
        return [*self.accounts.routes(), *([] if self.webhooks is None else self.webhooks.routes())]

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the parts, and close them in the reverse order, also those of a start that fails half way."""
        async with contextlib.AsyncExitStack() as parts:
            parts.push_async_callback(self.accounts.aclose)
            await self.spool.start()
            for part in (self.spool, self._probe, self._publisher):
                parts.push_async_callback(part.aclose)
            await self.durable.launch()
            parts.push_async_callback(self.durable.aclose)
            if self.webhooks is not None:
                await parts.enter_async_context(self.webhooks.running())
            await parts.enter_async_context(self.accounts.running())
            await parts.enter_async_context(background(self._load_accounts, self._watch_spool, self._hand_over))
            yield

    def _knows_accounts(self) -> bool:
        """Return whether all accounts are known, as far as they will be: a refused token has none."""
        return self._accounts_error is None or isinstance(self._accounts_error, REFUSALS)

    def _accounts_problem(self) -> str | None:
        if self._accounts_error is None:
            return None
        return REFUSAL_PROBLEM if isinstance(self._accounts_error, REFUSALS) else ACCOUNTS_UNKNOWN

    async def _load_accounts(self) -> None:
        """Load the accounts of the configured token, which only the upstream knows; retry until it answers.

        After a refusal it is asked more rarely, and the refusal stands until the token is accepted.
        """
        while self._accounts_error is not None:
            try:
                accounts = await self._publisher.accounts()
                self.accounts.add_configured(accounts, self._publisher)
                self._accounts_error = None
            except GatewayError as error:
                if isinstance(error, REFUSALS) or not self._knows_accounts():
                    self._accounts_error = error
            if self._knows_accounts() and self.webhooks is not None:
                self.webhooks.worker.wake()
            if self._accounts_error is not None:
                await self._clock.sleep(REFUSED_SECONDS if self._knows_accounts() else ACCOUNTS_SECONDS)

    async def _hand_over(self) -> None:
        """Let other processes continue the flows as soon as this one shuts down, while it finishes its requests."""
        await self._shutdown.begun()
        await self.durable.hand_over()

    async def _watch_spool(self) -> None:
        """Delete the files that no workflow needs any more, including those left by a crash."""
        while True:
            with contextlib.suppress(GatewayError):
                await self.spool.sweep(await self._publishing.holders())
            await self._clock.sleep(SWEEP_SECONDS)

    def _on_webhook(self, event: WebhookEvent) -> None:
        self.durable.signal(event.topic)
        if event.highlight is not None:  # other events of an account do not change its tray
            self._invalidation.invalidate(event.account, event.highlight)
