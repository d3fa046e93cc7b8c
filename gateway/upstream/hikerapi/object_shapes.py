"""The shapes of responses about one hashtag or one location."""

from __future__ import annotations

from gateway.domain.hashtags import Hashtag, normalized
from gateway.domain.locations import Location
from gateway.reads.endpoints import Call
from gateway.upstream.client.identity import is_id
from gateway.upstream.hikerapi.decoding import ResponseShape


class HashtagShape(ResponseShape[Hashtag]):
    """A hashtag by its name, whose capitals the platform keeps."""

    def is_about(self, call: Call, value: Hashtag) -> bool:
        return normalized(value.name) == call.key

    def is_complete(self, call: Call, value: Hashtag) -> bool:
        return self.is_about(call, value)

    def has_well_formed_ids(self, value: Hashtag) -> bool:
        return value.number is None or is_id(value.number)


class LocationShape(ResponseShape[Location]):
    def is_about(self, call: Call, value: Location) -> bool:
        return str(value.pk) == call.key

    def is_complete(self, call: Call, value: Location) -> bool:
        return self.is_about(call, value)

    def has_well_formed_ids(self, value: Location) -> bool:
        return is_id(value.pk)


HASHTAG = HashtagShape(Hashtag)
LOCATION = LocationShape(Location)
