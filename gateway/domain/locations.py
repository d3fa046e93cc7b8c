"""Locations: their ids, and the frozen model decoded from the read API's responses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from msgspec import field

from gateway.domain.ids import EntityId, platform_pk
from gateway.domain.users import Model

LOCATION_PREFIX = "location:"  # of a location's id in the graph, before its pk


class LocationId(EntityId, frozen=True, gc=False):
    noun = "location"


def location_key(by: Mapping[str, str], *, field: str) -> LocationId:
    """Return the key in a location's `id`. Raise InvalidInput."""
    return location_id(by["id"], field=field)


def location_id(text: str, *, field: str) -> LocationId:
    """Return the location's id. Accept `location:<pk>` and a bare pk. Raise InvalidInput."""
    return LocationId(platform_pk(text.strip().removeprefix(LOCATION_PREFIX), "location", field))


class Location(Model, frozen=True, gc=False):
    """A location. Answers about other objects contain some of its fields. `pk` is 0 or None for one without a page."""

    name: str
    pk: int | str | None = None
    latitude: float | None = field(name="lat", default=None)
    longitude: float | None = field(name="lng", default=None)
    category: str | None = None
    address: str | None = None
    city: str | None = None
    zip: str | None = None
    website: str | None = None
    phone: str | None = None
    external_number: int | str | None = field(name="external_id", default=None)
    external_id_source: str | None = None

    SOURCES: ClassVar[Mapping[str, tuple[str, ...]]] = {"external_id": ("external_number",)}

    @property
    def id(self) -> str:
        """Identifies the location in a list."""
        return f"{LOCATION_PREFIX}{self.pk or self.name}"

    @property
    def external_id(self) -> str | None:
        return None if self.external_number is None else str(self.external_number)


def location_ids(found: Location | None) -> tuple[str, ...]:
    """Return the id of a location that an answer names, or nothing."""
    return (str(found.pk),) if found is not None and found.pk else ()
