"""The shapes of responses about one highlight and one item."""

from __future__ import annotations

from gateway.domain.models import Item, LoadedHighlight
from gateway.domain.partial import WHOLE, losses, partial
from gateway.reads.endpoints import Call
from gateway.upstream.client.identity import are_ids, have_well_formed_ids
from gateway.upstream.hikerapi.decoding import ResponseShape


class HighlightShape(ResponseShape[LoadedHighlight]):
    """A highlight with its items."""

    def is_about(self, call: Call, value: LoadedHighlight) -> bool:
        return value.pk == call.key

    def is_complete(self, call: Call, value: LoadedHighlight) -> bool:
        has_items = bool(value.items) or not (value.media_ids or value.media_count)  # else items are missing
        return value.owner is not None and value.pk == call.key and has_items

    def has_well_formed_ids(self, value: LoadedHighlight) -> bool:
        return (value.owner is None or are_ids([value.owner.pk])) and have_well_formed_ids(value.items)

    def completed(self, call: Call, value: LoadedHighlight, paths: list[str]) -> LoadedHighlight:
        if value.owner is not None:
            return value
        paths.append("user")
        return partial(value, {**losses(value), "owner": WHOLE})


class ItemShape(ResponseShape[Item]):
    """One story."""

    def is_about(self, call: Call, value: Item) -> bool:
        return str(value.pk) == call.key

    def is_complete(self, call: Call, value: Item) -> bool:
        return self.is_about(call, value)

    def has_well_formed_ids(self, value: Item) -> bool:
        return have_well_formed_ids((value,))


HIGHLIGHT = HighlightShape(LoadedHighlight)
ITEM = ItemShape(Item)
