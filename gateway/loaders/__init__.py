"""One question, one loader: what resolvers ask."""

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
from gateway.planner.fetch import Buyer


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
    def of(cls, buyer: Buyer) -> Self:
        return cls(
            identities=IdentityLoader(buyer),
            shorts=ShortLoader(buyer),
            profiles=ProfileLoader(buyer),
            trays=TrayLoader(buyer),
            briefs=BriefLoader(buyer),
            highlights=HighlightLoader(buyer),
            items=ItemLoader(buyer),
        )
