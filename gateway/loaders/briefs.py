"""The loader of a highlight's summary fields, as its tray lists them."""

from __future__ import annotations

from gateway.domain.ids import HighlightId
from gateway.domain.models import Highlight
from gateway.loaders.base import Loader
from gateway.planner.requirements import Need
from gateway.planner.resolved_data import Fact


class BriefLoader(Loader[HighlightId, Highlight]):
    want = Need.BRIEF

    def known(self, key: HighlightId) -> Fact[Highlight]:
        return self.buyer.facts.brief(key)
