"""Media URL fields: the platform's URLs, or links to the media proxy, which work on any page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import strawberry

from gateway.cache.response_cache import SHARED
from gateway.execution.leaf_values import PLAIN
from gateway.execution.sync_resolvers import SYNC
from gateway.planner.selection import FACT
from gateway.reads.facts import FactKind
from schema.context import Info

# The argument that selects the proxy; also the key in a field's extensions if the proxy is the default.
PROXIED = "proxied"
Proxied = Annotated[
    bool | None,
    strawberry.argument(
        description="True returns a URL of the gateway's media proxy, which any page can embed until it expires; false "
        "returns the platform's own URL. Defaults to the server's setting."
    ),
]


def media_url_field(
    attribute: str, description: str, refers: Callable[[Any], str], fact: FactKind | None = None
) -> Any:
    """Return a field that reads the URL `attribute`. `refers` names the upstream response that contains the URL."""

    def resolve(source: strawberry.Parent[Any], info: Info, proxied: Proxied = None) -> str | None:
        return media_url(info, getattr(source, attribute), refers(source), proxied)

    metadata = {PLAIN: attribute, SYNC: True, SHARED: True} | ({} if fact is None else {FACT: fact})
    return strawberry.field(resolve, description=description, metadata=metadata)


def no_reference(source: object) -> str:
    """Return an empty reference, for an object that does not name its owner. The proxy cannot renew such a URL."""
    return ""


def media_url(info: Info, url: str | None, reference: str, proxied: bool | None) -> str | None:
    return None if url is None else info.context.link(url, reference, proxied=proxied)
