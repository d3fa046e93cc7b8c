"""DataLoaders that resolvers call, one for each kind of fact."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from gateway.loaders.briefs import BriefLoader
from gateway.loaders.highlights import HighlightLoader
from gateway.loaders.identities import IdentityLoader
from gateway.loaders.items import ItemLoader
from gateway.loaders.profiles import ProfileLoader
from gateway.loaders.shorts import ShortLoader
from gateway.loaders.trays import TrayLoader
from gateway.planner.fetcher import Fetcher


@dataclass(frozen=True, slots=True)
class Loaders:
    """The loaders of one operation."""

    identities: IdentityLoader
    shorts: ShortLoader
    profiles: ProfileLoader
    trays: TrayLoader
    briefs: BriefLoader
    highlights: HighlightLoader
    items: ItemLoader

    @classmethod
    def of(cls, buyer: Fetcher, *, waits: bool = True) -> Self:
        return cls(
            identities=IdentityLoader(buyer, waits=waits),
            shorts=ShortLoader(buyer, waits=waits),
            profiles=ProfileLoader(buyer, waits=waits),
            trays=TrayLoader(buyer, waits=waits),
            briefs=BriefLoader(buyer, waits=waits),
            highlights=HighlightLoader(buyer, waits=waits),
            items=ItemLoader(buyer, waits=waits),
        )
