"""The loader of a user's highlights (the tray)."""

from __future__ import annotations

from gateway.domain.ids import UserKey
from gateway.domain.models import Tray
from gateway.loaders.base import Loader
from gateway.planner.requirements import Need
from gateway.planner.resolved_data import Fact


class TrayLoader(Loader[UserKey, Tray]):
    want = Need.TRAY

    def known(self, key: UserKey) -> Fact[Tray]:
        return self.buyer.facts.tray(key)
