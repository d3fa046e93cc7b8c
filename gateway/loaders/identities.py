"""The loader of the user id behind a user name."""

from __future__ import annotations

from gateway.domain.ids import UserId, UserKey
from gateway.loaders.base import Loader
from gateway.planner.requirements import Need
from gateway.planner.resolved_data import Fact


class IdentityLoader(Loader[UserKey, UserId]):
    want = Need.IDENTITY

    def known(self, key: UserKey) -> Fact[UserId]:
        return self.buyer.facts.identity(key)
