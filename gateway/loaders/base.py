"""What all loaders have in common."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Awaitable
from typing import Any, ClassVar, Generic, TypeVar

from aiodataloader import DataLoader

from gateway.errors import GatewayError
from gateway.planner.fetcher import Fetcher
from gateway.planner.requirements import Need, Requirement
from gateway.planner.resolved_data import Fact

K = TypeVar("K", bound=Any)
V = TypeVar("V")


class WouldBlock(Exception):
    """Only waiting would tell."""


class Loader(Generic[K, V]):
    """Answers one question for one operation.

    Nearly always the planner has bought the answer before a resolver asks, and the value is handed out at once. What
    could not be foreseen (a deferred fragment) is collected over the tick, deduplicated, and bought together.
    """

    want: ClassVar[Need]

    def __init__(self, buyer: Fetcher, *, waits: bool = True) -> None:
        """Where it must not wait it raises NotYetKnown."""
        self.buyer = buyer
        self.waits = waits
        self._batches: DataLoader[K, None] | None = None  # made when it is needed, which is rare

    @abstractmethod
    def known(self, key: K) -> Fact[V]:
        """What the operation knows of it."""

    def get(self, key: K) -> V | Awaitable[V]:
        """Raises the GatewayError that stands in the answer's place."""
        fact = self.known(key)
        if isinstance(fact, GatewayError):
            raise fact.about(key.subject)
        if fact is None and not self.waits:
            raise WouldBlock
        return self._load(key) if fact is None else fact

    async def _load(self, key: K) -> V:
        if self._batches is None:
            self._batches = DataLoader(self._buy)
        # All who ask for a key share one future, and a cancelled one would take it from the others.
        await asyncio.shield(self._batches.load(key))
        fact = self.known(key)
        if isinstance(fact, GatewayError):
            raise fact.about(key.subject)
        assert fact is not None, f"{self.want} was bought and is not known"
        return fact

    async def _buy(self, keys: list[K]) -> list[None]:
        await self.buyer.answer(Requirement(key, self.want, path="") for key in keys)
        return [None] * len(keys)
