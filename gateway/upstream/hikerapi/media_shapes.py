"""The shape of responses about one post."""

from __future__ import annotations

from gateway.domain.media import Media
from gateway.reads.endpoints import Call
from gateway.upstream.client.identity import are_ids
from gateway.upstream.hikerapi.decoding import ResponseShape


class MediaShape(ResponseShape[Media]):
    """A post, reel or album."""

    def is_about(self, call: Call, value: Media) -> bool:
        return str(value.pk) == call.key

    def is_complete(self, call: Call, value: Media) -> bool:
        return self.is_about(call, value) and value.author is not None

    def has_well_formed_ids(self, value: Media) -> bool:
        people = [value.author, *(tag.user for tag in value.tagged_users), *(value.sponsors or ())]
        pks = [value.pk, *(child.pk for child in value.children)]
        return are_ids([*pks, *(person.pk for person in people if person is not None)])


MEDIA = MediaShape(Media)
