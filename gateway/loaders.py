"""The loader that resolvers call for all facts of one operation."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from aiodataloader import DataLoader

from gateway.domain.ids import EntityId, Username
from gateway.errors import GatewayError
from gateway.planner.fetcher import Fetcher
from gateway.planner.list_slices import ListSlice, SliceRequest
from gateway.planner.requirements import Requirement
from gateway.reads.facts import FactKind


class WouldBlock(Exception):
    """The value is not known, and the loader may not wait for it."""


class Loader:
    """The loader of one operation's facts.

    Nearly always the planner has bought the answer before a resolver asks for it, and the value is returned at once.
    Requests that could not be foreseen (a deferred fragment) are collected over one tick, deduplicated and bought
    together.
    """

    def __init__(self, fetcher: Fetcher, *, waits: bool = True) -> None:
        """Create the loader. With `waits` off, `get` raises WouldBlock where it would have to wait."""
        self._fetcher = fetcher
        self._waits = waits
        self._batches: dict[FactKind, DataLoader[Any, None]] = {}  # created on first use, which is rare

    def get(self, kind: FactKind, key: Any) -> Any:
        """Return the fact of this kind about the subject `key`, or an awaitable of it.

        Raise the GatewayError that stands in the answer's place, or WouldBlock where the loader may not wait.
        """
        fact = self.known(kind, key)
        if fact is not None:
            return fact
        if not self._waits:
            raise WouldBlock
        return self._load(kind, key)

    def known(self, kind: FactKind, key: Any) -> Any:
        """Return the fact, or None if it is not known. Raise the GatewayError that stands in the answer's place."""
        fact = self._fetcher.facts.fact(kind, key)
        if isinstance(fact, GatewayError):
            raise fact.about(key.subject)
        return fact

    def slice(self, kind: FactKind, key: EntityId | Username, request: SliceRequest) -> Any:
        """Return a slice of a list that the upstream pages, or an awaitable of it: a ListSlice that is complete.

        Raise InvalidInput, and WouldBlock where the loader may not wait.
        """
        found = self._fetcher.facts.slice(kind, key, request)
        if found.missing is None:
            return found
        if not self._waits:
            raise WouldBlock
        return self._load_slice(kind, key, request, found)

    def needs_no_page(self, kind: FactKind, key: EntityId | Username, request: SliceRequest) -> bool:
        """Return whether the operation selects nothing but the length of the list. Raise InvalidInput."""
        if not self._fetcher.needs_no_page((kind, request)):
            return False
        self._fetcher.facts.slice(kind, key, request)
        return True

    async def _load_slice(
        self, kind: FactKind, key: EntityId | Username, request: SliceRequest, found: ListSlice
    ) -> ListSlice:
        while found.missing is not None:
            await self._request(kind, found.missing)
            found = self._fetcher.facts.slice(kind, key, request)
        return found

    async def _request(self, kind: FactKind, key: Any) -> None:
        if kind not in self._batches:
            self._batches[kind] = DataLoader(partial(self._buy, kind))
        # All callers that load a key share one future; cancelling it would cancel it for the others.
        await asyncio.shield(self._batches[kind].load(key))

    async def _load(self, kind: FactKind, key: Any) -> Any:
        await self._request(kind, key)
        fact = self.known(kind, key)
        assert fact is not None, f"{kind} was bought and is not known"
        return fact

    async def _buy(self, kind: FactKind, keys: list[Any]) -> list[None]:
        await self._fetcher.answer(Requirement(key, kind, path="") for key in keys)
        return [None] * len(keys)
