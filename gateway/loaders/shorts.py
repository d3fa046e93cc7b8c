"""What are the short fields of this user?"""

from __future__ import annotations

from gateway.domain.ids import UserKey
from gateway.domain.models import UserShort
from gateway.loaders.base import Loader
from gateway.planner.knowledge import Fact
from gateway.planner.walk import Want


class ShortLoader(Loader[UserKey, UserShort]):
    want = Want.SHORT

    def known(self, key: UserKey) -> Fact[UserShort]:
        return self.buyer.facts.short(key)
