"""What is this single item?"""

from __future__ import annotations

from gateway.domain.ids import ItemId
from gateway.domain.models import Item
from gateway.loaders.base import Loader
from gateway.planner.knowledge import Fact
from gateway.planner.walk import Want


class ItemLoader(Loader[ItemId, Item]):
    want = Want.ITEM

    def known(self, key: ItemId) -> Fact[Item]:
        return self.buyer.facts.item(key)
