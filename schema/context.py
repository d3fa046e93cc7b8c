"""What one operation carries through its resolvers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import strawberry

from gateway.clients import Client
from gateway.loaders import Loaders
from gateway.planner.fetch import Buyer
from gateway.planner.price import Estimate

Quote: TypeAlias = Callable[[str, Mapping[str, Any] | None, str | None], Estimate]


@dataclass(frozen=True, slots=True)
class Context:
    """Made anew for each operation, on every transport: a connection may outlive many of them.

    `quote` prices another document for the same client: (document, variables, operation name) -> Estimate.
    `explains` says that the client wants to see the calls on its bill, `streams` that it can take an answer in parts.
    """

    client: Client
    buyer: Buyer
    loaders: Loaders
    quote: Quote
    explains: bool = False
    streams: bool = False


Info: TypeAlias = strawberry.Info[Context, None]
