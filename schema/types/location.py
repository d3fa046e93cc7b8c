"""The type of a location."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Self

import strawberry

from gateway.domain import locations
from gateway.domain.locations import LOCATION_PREFIX, LocationId, location_id
from gateway.reads.facts import FactKind
from schema.context import Info
from schema.cost_directives import upstream_pages
from schema.entities import entity
from schema.fields import derived, field_in, map_awaitable, relation
from schema.list_choices import InMediaOrder, MediaOrder, chosen
from schema.node import Node
from schema.partial import readable
from schema.types.connection import After
from schema.types.upstream_connection import FirstOfPages, UpstreamConnection, upstream_connection

if TYPE_CHECKING:
    from schema.types.media import Media

KINDS = {MediaOrder.RECENT: FactKind.RECENT_AT_LOCATION, MediaOrder.TOP: FactKind.TOP_AT_LOCATION}


def _embedded(attribute: str, type_: Any, description: str) -> Any:
    """Return a field that every answer has that names the location."""

    def resolve(self: Location, info: Info) -> Any:
        source = self.embedded or info.context.loader.get(FactKind.LOCATION, self.key)
        return map_awaitable(source, lambda found: readable(found, attribute))

    return field_in(FactKind.LOCATION_ENTRY, description, resolver=resolve, graphql_type=type_)


def _recorded(attribute: str, type_: Any, description: str) -> Any:
    """Return a field that only the location's own answer has."""

    def resolve(self: Location, info: Info) -> Any:
        record = info.context.loader.get(FactKind.LOCATION, self.key)
        return map_awaitable(record, lambda found: readable(found, attribute))

    return field_in(FactKind.LOCATION, description, resolver=resolve, graphql_type=type_)


def _node_id(self: Location) -> strawberry.ID:
    return strawberry.ID(f"{LOCATION_PREFIX}{self.key.pk}")


@entity()
@strawberry.federation.type(
    keys=["id"],
    description="A location. The fields from `category` to `phone` are its record: one billed request for all of them. "
    "The others come with what names the location.",
)
class Location(Node):
    key: strawberry.Private[LocationId]
    embedded: strawberry.Private[locations.Location | None] = None

    id: strawberry.ID = derived("`location:<pk>`.", resolver=_node_id)

    @derived("The platform's numeric id.")
    def pk(self) -> strawberry.ID:
        return strawberry.ID(self.key.pk)

    name: str | None = _embedded("name", str | None, "Name of the location.")
    latitude: float | None = _embedded("latitude", float | None, "Latitude in degrees.")
    longitude: float | None = _embedded("longitude", float | None, "Longitude in degrees.")
    address: str | None = _embedded("address", str | None, "Street address.")
    city: str | None = _embedded("city", str | None, "City.")
    zip: str | None = _embedded("zip", str | None, "Postal code.")
    external_id: strawberry.ID | None = _embedded(
        "external_id", strawberry.ID | None, "Id of the location in another directory of the platform."
    )
    category: str | None = _recorded("category", str | None, "Category of the location, as named by the platform.")
    website: str | None = _recorded("website", str | None, "URL of the location's own site.")
    phone: str | None = _recorded("phone", str | None, "Phone number.")

    @relation(
        chosen("order", KINDS),
        "Posts that name the location. One billed request for each page of the upstream, which has about 20 posts.",
        shared=True,
        directives=[upstream_pages(25)],
    )
    def media(
        self, info: Info, order: InMediaOrder = MediaOrder.RECENT, first: FirstOfPages = None, after: After = None
    ) -> UpstreamConnection[Annotated[Media, strawberry.lazy("schema.types.media")]] | None:
        return upstream_connection(info, KINDS[order or MediaOrder.RECENT], self.key, (first, after))  # type: ignore[no-any-return]

    @classmethod
    def of(cls, info: Info, key: LocationId) -> Self:
        """Return the location. Raise the GatewayError of its record, if that was requested."""
        info.context.loader.known(FactKind.LOCATION, key)
        return cls(key=key)

    @classmethod
    def of_embedded(cls, embedded: locations.Location) -> Self | None:
        """Return a location that another answer names; None for one that has no page."""
        return cls(key=LocationId(str(embedded.pk)), embedded=embedded) if embedded.pk else None

    @classmethod
    def resolve_reference(cls, info: Info, id: strawberry.ID, *, field: str = "id", **_: object) -> Self:
        return cls.of(info, location_id(id, field=field))
