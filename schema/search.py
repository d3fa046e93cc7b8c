"""The searches of the query root."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import strawberry

from gateway.domain.ids import EntityId
from gateway.domain.searches import point, search_query
from gateway.errors import InvalidInput
from gateway.planner.selection import RootList
from gateway.reads.facts import FactKind
from schema.context import Info
from schema.cost_directives import UNPAGED, upstream_pages
from schema.fields import relation
from schema.types.connection import After
from schema.types.hashtag import Hashtag
from schema.types.location import Location
from schema.types.upstream_connection import FirstOfPages, UpstreamConnection, upstream_connection, upstream_list
from schema.types.user import User

Text = Annotated[str, strawberry.argument(description="Text to search for.")]


@strawberry.input(description="A point on earth.")
class Coordinates:
    latitude: float = strawberry.field(description="Degrees north, from -90 to 90.")
    longitude: float = strawberry.field(description="Degrees east, from -180 to 180.")


@strawberry.input(one_of=True, description="What locations to search for: exactly one of these fields.")
class LocationSearch:
    query: strawberry.Maybe[str] = strawberry.field(description="Text of the location's name.")
    near: strawberry.Maybe[Coordinates] = strawberry.field(description="A point that the location is near.")


SearchBy = Annotated[LocationSearch, strawberry.argument(description="What to search for.")]


def _query(arguments: Mapping[str, Any]) -> EntityId:
    return search_query(str(arguments["query"]), field="query")


def _locations(arguments: Mapping[str, Any]) -> RootList:
    kind, key = _location_search(arguments["by"])
    return RootList(kind, lambda _: key)


def _location_search(by: Mapping[str, Any]) -> tuple[FactKind, EntityId]:
    """Return the list of a search for locations, and its subject. Raise InvalidInput."""
    if by.get("query") is not None:
        return FactKind.FOUND_LOCATIONS, search_query(str(by["query"]), field="by.query")
    near = by.get("near")
    if near is not None:
        return FactKind.LOCATIONS_NEAR, point(near["latitude"], near["longitude"], field="by.near")
    raise InvalidInput("by must have exactly one of query and near.", field="by")


@strawberry.type
class Search:
    @relation(
        RootList(FactKind.FOUND_USERS, _query),
        "Accounts that the platform finds by a text, as it ranks them. One billed request for each page of the "
        "upstream, which has about 20 accounts.",
        shared=True,
        directives=[upstream_pages(20)],
    )
    def search_users(
        self, info: Info, query: Text, first: FirstOfPages = None, after: After = None
    ) -> UpstreamConnection[User] | None:
        key = search_query(query, field="query")
        return upstream_connection(  # type: ignore[no-any-return]
            info, FactKind.FOUND_USERS, key, (first, after), node=lambda found: User.of_embedded(info, found)
        )

    @relation(
        RootList(FactKind.FOUND_HASHTAGS, _query),
        "Hashtags that the platform finds by a text. One billed request.",
        shared=True,
        directives=[UNPAGED],
    )
    def search_hashtags(self, info: Info, query: Text) -> list[Hashtag] | None:
        key = search_query(query, field="query")
        return upstream_list(  # type: ignore[no-any-return]
            info, FactKind.FOUND_HASHTAGS, key, Hashtag.of_listed
        )

    @relation(
        _locations,
        "Locations that the platform finds by a text, or near a point. One billed request.",
        shared=True,
        directives=[UNPAGED],
    )
    def search_locations(self, info: Info, by: SearchBy) -> list[Location] | None:
        given = {name: value.value for name, value in vars(by).items() if value is not None}
        if "near" in given:
            given["near"] = vars(given["near"])
        kind, key = _location_search(given)
        return upstream_list(info, kind, key, Location.of_embedded)  # type: ignore[no-any-return]
