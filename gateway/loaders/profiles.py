"""The loader of a user's profile."""

from __future__ import annotations

from gateway.domain.ids import UserKey
from gateway.domain.models import Profile
from gateway.loaders.base import Loader
from gateway.planner.requirements import Need
from gateway.planner.resolved_data import Fact


class ProfileLoader(Loader[UserKey, Profile]):
    want = Need.PROFILE

    def known(self, key: UserKey) -> Fact[Profile]:
        return self.buyer.facts.profile(key)
