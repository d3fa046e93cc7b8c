"""The base class of all loaders."""

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
    """The value is not known, and the loader may not wait for it."""


class Loader(Generic[K, V]):
    """The loader of one kind of fact for one operation.

    Nearly always the planner has bought the answer before a resolver asks for it, and the value is returned at once.
    Requests that could not be foreseen (a deferred fragment) are collected over one tick, deduplicated and bought
    together.
    """

    want: ClassVar[Need]

    def __init__(self, buyer: Fetcher, *, waits: bool = True) -> None:
        """Create the loader. With `waits` off, `get` raises WouldBlock where it would have to wait."""
        self.buyer = buyer
        self.waits = waits
        self._batches: DataLoader[K, None] | None = None  # created on first use, which is rare

    @abstractmethod
    def known(self, key: K) -> Fact[V]:
        """Return the fact as far as the operation knows it."""

    def get(self, key: K) -> V | Awaitable[V]:
        """Return the value, or an awaitable of it.

        Raise the GatewayError that stands in the answer's place, or WouldBlock where the loader may not wait.
        """
        fact = self.known(key)
        if isinstance(fact, GatewayError):
            raise fact.about(key.subject)
        if fact is None and not self.waits:
            raise WouldBlock
        return self._load(key) if fact is None else fact

    async def _load(self, key: K) -> V:
        if self._batches is None:
            self._batches = DataLoader(self._buy)
        # All callers that load a key share one future; cancelling it would cancel it for the others.
        await asyncio.shield(self._batches.load(key))
        fact = self.known(key)
        if isinstance(fact, GatewayError):
            raise fact.about(key.subject)
        assert fact is not None, f"{self.want} was bought and is not known"
        return fact

    async def _buy(self, keys: list[K]) -> list[None]:
        await self.buyer.answer(Requirement(key, self.want, path="") for key in keys)
        return [None] * len(keys)
