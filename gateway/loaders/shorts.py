"""What are the short fields of this user?"""

from __future__ import annotations

from gateway.domain.ids import UserKey
from gateway.domain.models import UserShort
from gateway.loaders.base import Loader
from gateway.planner.requirements import Want
from gateway.planner.resolved_data import Fact


class ShortLoader(Loader[UserKey, UserShort]):
    want = Want.SHORT

    def known(self, key: UserKey) -> Fact[UserShort]:
        return self.buyer.facts.short(key)
