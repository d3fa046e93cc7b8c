"""Ids of locations, and locations as answers name them."""

from __future__ import annotations

import msgspec
import pytest

from gateway.domain.locations import Location, LocationId, location_id, location_ids, location_key
from gateway.errors import InvalidInput
from gateway.reads.facts import EntityType, entity_of_node

LARGEST = 2**64 - 1
REFUSED = [
    "",
    " ",
    "0",
    "007",
    "-1",
    "+1",
    "1.0",
    "1e3",
    "location:",
    "location:0",
    "location:location:1",
    "hashtag:1",
    "media:1",
    "1_2",
    "213 214",
    "\u0661",
    "\uff11",
    "1" * 21,
    "1" * 100_000,
    str(LARGEST + 1),
]


@pytest.mark.parametrize("text", ["213", "location:213", " location:213 ", "location: 213"])
def test_an_id_is_the_number_with_its_prefix_or_without_it(text: str) -> None:
    assert location_id(text, field="id") == LocationId("213")
    assert location_key({"id": text}, field="id") == LocationId("213")


@pytest.mark.parametrize("text", ["1", str(LARGEST)])
def test_ids_have_64_bits(text: str) -> None:
    assert location_id(text, field="id").pk == text


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_id_is_refused_and_the_field_named(text: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        location_id(text, field="by.here")
    assert refusal.value.extensions["field"] == "by.here"
    assert refusal.value.message == "by.here must be the location's numeric id."


def test_the_form_of_an_id_tells_its_type() -> None:
    assert entity_of_node("location:213") is EntityType.LOCATION
    assert entity_of_node("location:x") is None
    assert LocationId("213").subject == "location '213'"


@pytest.mark.parametrize(("pk", "ids"), [(213, ("213",)), ("213", ("213",)), (0, ()), (None, ()), ("", ())])
def test_a_location_without_a_page_has_no_key(pk: object, ids: tuple[str, ...]) -> None:
    found = msgspec.json.decode(msgspec.json.encode({"name": "Berlin", "pk": pk}), type=Location)
    assert location_ids(found) == ids
    assert found.id == f"location:{ids[0] if ids else 'Berlin'}"


def test_no_location_has_no_key() -> None:
    assert location_ids(None) == ()


@pytest.mark.parametrize(("sent", "id"), [(2**63, str(2**63)), ("11", "11"), (None, None), (0, "0")])
def test_the_id_in_another_directory_is_a_text(sent: object, id: str | None) -> None:
    found = msgspec.json.decode(msgspec.json.encode({"name": "Berlin", "external_id": sent}), type=Location)
    assert found.external_id == id
