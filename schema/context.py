"""The context of one operation, which its resolvers share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeAlias

import strawberry
from graphql import DocumentNode, GraphQLError, GraphQLResolveInfo, get_operation_ast

from gateway.billing.bill import BillingRecord
from gateway.clients import Client, Right
from gateway.errors import Forbidden, GatewayError, PublishingNotConfigured
from gateway.loaders import Loader
from gateway.planner.estimator import Estimate
from gateway.planner.fetcher import Fetcher
from gateway.planner.keys import Keys
from gateway.planner.selection import Root

if TYPE_CHECKING:
    from gateway.accounts.account_views import AccountView
    from gateway.accounts.connecting import Begun
    from gateway.accounts.providers import ConnectScope
    from gateway.control.port import Eraser, Operator
    from gateway.media_proxy.links import Links
    from gateway.publishing.service import Publishing
    from gateway.publishing.validation import InputValidator

Quote: TypeAlias = Callable[[str, Mapping[str, Any] | None, str | None], Awaitable[Estimate]]
Warm: TypeAlias = Callable[[str, Mapping[str, Any] | None, str | None], Awaitable[BillingRecord]]
Foresee: TypeAlias = Callable[[GraphQLResolveInfo[Any], Root, dict[str, Any]], Awaitable[None]]

# Cached links per operation: signing a link again takes longer than all other work of a field.
MOST_LINKS = 10_000
LONGEST_NAME = 64  # characters of an operation's name


class Connections(Protocol):
    """The accounts of one client, by their ids, and the means to connect others."""

    @property
    def ids(self) -> tuple[str, ...]:
        """The accounts that the client may use."""

    def view(self, id: str, now: float) -> AccountView | None:
        """Return the account at a time in Unix seconds."""

    def is_configured(self, id: str) -> bool:
        """Return whether the account is that of the operator's token, which no client can disconnect."""

    def may_return_to(self, url: str) -> bool:
        """Return whether a browser may be sent to the URL. Raise PublishingNotConfigured."""

    async def begin(self, return_to: str, scopes: Sequence[ConnectScope], reconnect: str | None) -> Begun:
        """Begin a connection. Raise TooManyPending, AccountsUnavailable and PublishingNotConfigured."""

    async def disconnect(self, id: str) -> AccountView | None:
        """Disconnect an account, and return it. Raise AccountsUnavailable and PublishingNotConfigured."""


@dataclass(frozen=True, slots=True)
class Writes:
    """The means of a client to write.

    `connections` are the accounts that it may use; that of a configured token is missing until the upstream has named
    it, and `unknown` is the reason for that.
    """

    publishing: Publishing
    inspector: InputValidator
    connections: Connections
    unknown: GatewayError | None

    def allowed(self, account: str | None) -> tuple[str, ...]:
        """Return the accounts, for a write for one of them; None names the only one.

        Raise GatewayError while that of the configured token is unknown and `account` could be it.
        """
        if self.unknown is not None and account not in self.connections.ids:
            raise self.unknown.with_traceback(None)
        return self.connections.ids


Parsed: TypeAlias = DocumentNode | GraphQLError
"""A parsed text, or its syntax error."""


@dataclass(slots=True)
class OperationHead:
    """The name and the type of an operation in its document; None until the document is parsed.

    `is_accepted`: it was checked, and its execution began with its purchases.
    """

    name: str | None = None
    type: str | None = None
    is_accepted: bool = False

    def read(self, document: DocumentNode, operation_name: str | None) -> None:
        """Read them from the operation that `operation_name` selects; None selects the only one."""
        if (operation := get_operation_ast(document, operation_name)) is not None:
            self.name = operation.name.value[:LONGEST_NAME] if operation.name else None
            self.type = operation.operation.value


@dataclass(frozen=True, slots=True)
class Context:
    """The context of one operation. It is created for each one, on every transport: a connection may outlive many.

    `quote` prices another document for the same client: (document, variables, operation name) -> Estimate, awaited.
    `foresee` fetches the selection of an entity that only the field's resolver determined. `writes` is None if the
    gateway has no account, `operator` and `warm` if the client lacks the right to operate, `eraser` if it lacks that to
    erase. `warm` buys what another
    document needs. `links` creates media proxy links, which `proxies` makes the default. `explains`: the client wants
    the calls in its billing extension; `streams`: it accepts incremental delivery. `keys` counts the keys of its
    request. `linked` caches links by URL and reference. `room` is awaited before execution: it waits until the client
    has received enough of earlier responses. `parsed` is the parsed text, if the operation's type had to be known
    early. `head` gets the operation's name and type.
    """

    client: Client
    fetcher: Fetcher
    loader: Loader
    quote: Quote
    foresee: Foresee
    links: Links | None = None
    proxies: bool = False
    writes: Writes | None = None
    operator: Operator | None = None
    warm: Warm | None = None
    eraser: Eraser | None = None
    explains: bool = False
    streams: bool = False
    keys: Keys = field(default_factory=Keys)
    linked: dict[tuple[str, str], str] = field(default_factory=dict, repr=False)
    room: Callable[[], Awaitable[None]] | None = field(default=None, repr=False)
    parsed: Parsed | None = field(default=None, repr=False)
    head: OperationHead = field(default_factory=OperationHead)

    def non_blocking(self) -> Self:
        """Return a context for resolvers that must not wait: its loader raises WouldBlock."""
        return replace(self, loader=Loader(self.fetcher, waits=False))

    @property
    def accounts(self) -> tuple[str, ...]:
        """Ids of the accounts that the client may publish for, or connect."""
        return () if self.writes is None else self.writes.connections.ids

    def link(self, url: str, reference: str, *, proxied: bool | None) -> str:
        """Return a medium's URL, direct or through the proxy; None as `proxied` means the gateway's default."""
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

    def operating(self) -> Operator:
        """Return the actions of an operator. Raise Forbidden."""
        if self.operator is None:
            raise _forbidden()
        return self.operator

    def erasing(self) -> Eraser:
        """Return what records requests to erase. Raise Forbidden."""
        if self.eraser is None:
            raise _forbidden()
        return self.eraser

    def warmer(self) -> Warm:
        """Return the function that buys what another document needs. Raise Forbidden."""
        if self.warm is None:
            raise _forbidden()
        return self.warm

    def writing(self) -> Writes:
        """Return the means to write. Raise PublishingNotConfigured."""
        if self.writes is None:
            raise PublishingNotConfigured(
                "This gateway has no account to publish for: the operator must set GATEWAY_PLATFORM_TOKEN."
            )
        return self.writes


def _forbidden() -> Forbidden:
    return Forbidden("This client lacks the right `operate`.", right=Right.OPERATE.value)


Info: TypeAlias = strawberry.Info[Context, None]
