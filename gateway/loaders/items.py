"""The loader of a single item."""

from __future__ import annotations

from gateway.domain.ids import ItemId
from gateway.domain.models import Item
from gateway.loaders.base import Loader
from gateway.planner.requirements import Need
from gateway.planner.resolved_data import Fact


class ItemLoader(Loader[ItemId, Item]):
    want = Need.ITEM

    def known(self, key: ItemId) -> Fact[Item]:
        return self.buyer.facts.item(key)
