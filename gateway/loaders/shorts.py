"""The loader of a user's short fields."""

from __future__ import annotations

from gateway.domain.ids import UserKey
from gateway.domain.models import UserSummary
from gateway.loaders.base import Loader
from gateway.planner.requirements import Need
from gateway.planner.resolved_data import Fact


class ShortLoader(Loader[UserKey, UserSummary]):
    want = Need.SHORT

    def known(self, key: UserKey) -> Fact[UserSummary]:
        return self.buyer.facts.short(key)
