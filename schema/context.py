"""What one operation carries through its resolvers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import strawberry
from graphql import DocumentNode, GraphQLError, GraphQLResolveInfo

from gateway.clients import Client
from gateway.errors import GatewayError, PublishingNotConfigured
from gateway.loaders import Loaders
from gateway.planner.estimator import Estimate
from gateway.planner.fetcher import Fetcher
from gateway.planner.keys import Keys
from gateway.planner.selection import Relation

if TYPE_CHECKING:
    from gateway.media_proxy.links import Links
    from gateway.publishing.service import Publishing
    from gateway.publishing.validation import InputValidator

Quote: TypeAlias = Callable[[str, Mapping[str, Any] | None, str | None], Awaitable[Estimate]]
Foresee: TypeAlias = Callable[[GraphQLResolveInfo[Any], Relation, dict[str, Any]], Awaitable[None]]

# Of one operation: to sign one anew takes longer than all else that is done for a field.
MOST_LINKS = 10_000


@dataclass(frozen=True, slots=True)
class Writes:
    """What a client can write with: `accounts` are the ids of those it may publish for, none as long as the upstream
    has not said whose tokens the gateway holds; `unknown` says why it has not."""

    publishing: Publishing
    inspector: InputValidator
    accounts: tuple[str, ...]
    unknown: GatewayError | None

    def allowed(self) -> tuple[str, ...]:
        """The accounts. Raises GatewayError as long as nobody knows them."""
        if self.unknown is not None:
            raise self.unknown.with_traceback(None)
        return self.accounts


Parsed: TypeAlias = DocumentNode | GraphQLError
"""A text, or why it is no document."""


@dataclass(frozen=True, slots=True)
class Context:
    """Made anew for each operation, on every transport: a connection may outlive many of them.

    `quote` prices another document for the same client: (document, variables, operation name) -> Estimate, awaited.
    `foresee` buys ahead for a field of which only now is known where it leads. `writes` is None where the gateway
    holds no account. `links` lead to the media proxy, which `proxies` makes the rule. `explains` says that the client
    wants to see the calls on its bill, `streams` that it can take an answer in parts. `keys` counts what its request
    asks for. `linked` are the links that were made so far, by URL and reference. `room` is waited for before anything
    is executed: until the client has taken enough of what it asked for before. `parsed` is the text of the operation,
    if its kind was to be known early.
    """

    client: Client
    buyer: Fetcher
    loaders: Loaders
    quote: Quote
    foresee: Foresee
    links: Links | None = None
    proxies: bool = False
    writes: Writes | None = None
    explains: bool = False
    streams: bool = False
    keys: Keys = field(default_factory=Keys)
    linked: dict[tuple[str, str], str] = field(default_factory=dict, repr=False)
    room: Callable[[], Awaitable[None]] | None = field(default=None, repr=False)
    parsed: Parsed | None = field(default=None, repr=False)

    def at_once(self) -> Self:
        """For resolvers that must not wait: its loaders raise NotYetKnown."""
        return replace(self, loaders=Loaders.of(self.buyer, waits=False))

    @property
    def accounts(self) -> tuple[str, ...]:
        """Ids of those the client may publish for."""
        return () if self.writes is None else self.writes.accounts

    def link(self, url: str, reference: str, *, proxied: bool | None) -> str:
        """The URL of a medium, itself or by way of the proxy; None leaves it to the gateway's rule."""
        through = self.proxies if proxied is None else proxied
        return self._linked(url, reference, self.links) if through and self.links is not None else url

    def _linked(self, url: str, reference: str, links: Links) -> str:
        key = url, reference
        link = self.linked.get(key)
        if link is None:
            link = links.link(url, reference)
            if len(self.linked) < MOST_LINKS:
                self.linked[key] = link
        return link

    def writing(self) -> Writes:
        """Raises PublishingNotConfigured."""
        if self.writes is None:
            raise PublishingNotConfigured(
                "This gateway holds no account to publish for. Its operator sets GATEWAY_PLATFORM_TOKEN."
            )
        return self.writes


Info: TypeAlias = strawberry.Info[Context, None]
