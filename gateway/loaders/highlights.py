"""The loader of a highlight with its items."""

from __future__ import annotations

from gateway.domain.ids import HighlightId
from gateway.domain.models import LoadedHighlight
from gateway.loaders.base import Loader
from gateway.planner.requirements import Need
from gateway.planner.resolved_data import Fact


class HighlightLoader(Loader[HighlightId, LoadedHighlight]):
    want = Need.ITEMS

    def known(self, key: HighlightId) -> Fact[LoadedHighlight]:
        return self.buyer.facts.highlight(key)
