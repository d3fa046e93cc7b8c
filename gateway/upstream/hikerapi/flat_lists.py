"""The flat form of answers that are lists without pages, or one object: as `flat_pages` has it, with one page."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET
from msgspec.json import Decoder

from gateway.upstream.client.lenient_decoding import UndecodableResponse
from gateway.upstream.hikerapi.flat_media import FlatMedia, flat_typed_media, flat_typed_parts
from gateway.upstream.hikerapi.flat_pages import owner_among
from gateway.upstream.hikerapi.flat_parts import ENCODER, FlatPage, Given, Part, encoded, read


class RawFound(Part):
    location: Any = UNSET


class RawFoundPage(Part):
    items: Given[list[RawFound]] = UNSET


MEDIA = Decoder(FlatMedia)
MEDIAS = Decoder(list[FlatMedia])
FOUND = Decoder(RawFoundPage)
ANY: Decoder[Any] = Decoder()
HISTORY = ("country", "date", "former_usernames")


def media(key: str, body: bytes) -> bytes:
    """Flatten `/v1/media/by/id`, with people in the platform's own spellings, and the size in the versions."""
    found = read(MEDIA, body)
    if not isinstance(found, FlatMedia):
        raise UndecodableResponse
    try:
        return ENCODER.encode(flat_typed_parts(found))
    except RecursionError as exc:
        raise UndecodableResponse from exc


@encoded
def pinned_medias(key: str, body: bytes) -> FlatPage:
    """Flatten `/v1/user/medias/pinned`, an array of posts that do not say that they are pinned."""
    entries = [flat_typed_media(media) for media in _array(read(MEDIAS, body))]
    for entry in entries:
        if isinstance(entry, FlatMedia):
            entry.is_pinned = True
    return FlatPage(entries, owner=owner_among(key, entries))


@encoded
def array(key: str, body: bytes) -> FlatPage:
    """Flatten an array whose entries are flat: `/v1/search/hashtags` and `/v1/location/search`."""
    return FlatPage(_array(read(ANY, body)))


@encoded
def found_places(key: str, body: bytes) -> FlatPage:
    """Flatten `/v2/fbsearch/places`: each entry holds a location beside its title."""
    page = read(FOUND, body)
    if not isinstance(page, RawFoundPage):
        raise UndecodableResponse
    return FlatPage([one.location if isinstance(one, RawFound) else one for one in _array(page.items)])


@encoded
def history(key: str, body: bytes) -> FlatPage:
    """Flatten `/gql/user/about`, an object, to a page with it alone."""
    found = read(ANY, body)
    if not isinstance(found, dict) or found.keys().isdisjoint(HISTORY):
        raise UndecodableResponse
    return FlatPage([found])


def _array(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise UndecodableResponse
    return value
