"""Prices of other operations, queried within an operation: limited like a part of it, and computed in time slices.

A price simulates planning four times. Between the steps other requests, and other prices, get the event loop: the price
of one key does not wait for a whole price of a thousand keys. Simulated data takes memory, so few prices of many keys
are computed at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from gateway.errors import TooComplex
from gateway.operations import work
from gateway.operations.cost import LONGEST_LIST
from gateway.planner.estimator import Estimate
from gateway.planner.fetcher import Fetcher
from gateway.planner.selection import Selection

# Keys of all documents that one operation prices: as many as one operation may buy.
MOST_PRICED_KEYS = LONGEST_LIST

# The most keys of a price that uses the fast lane.
FEW_KEYS = 100
# Concurrent prices per process, for few keys and for more.
OF_FEW = 16
OF_MANY = 2

Priced: TypeAlias = Callable[[str, Mapping[str, Any] | None, str | None], tuple[Selection, ...]]


class Lanes:
    """Semaphores that limit concurrent prices, by the number of keys; one instance per process."""

    def __init__(self) -> None:
        self._few = asyncio.Semaphore(OF_FEW)
        self._many = asyncio.Semaphore(OF_MANY)

    def of(self, keys: int) -> asyncio.Semaphore:
        return self._few if keys <= FEW_KEYS else self._many


class Quotes:
    """The prices queried by one operation; one instance per operation. `lanes` belongs to the process.

    `trusted` returns the text of the named document or raises. `priced` returns the selections of a document's
    operation, and raises the same errors as `gateway.operations.documents.priced`.
    """

    def __init__(self, trusted: Callable[[str], str], priced: Priced, fetcher: Fetcher, lanes: Lanes) -> None:
        self._trusted = trusted
        self._priced = priced
        self._fetcher = fetcher
        self._lanes = lanes
        self._keys = 0

    async def __call__(
        self, document: str, variables: Mapping[str, Any] | None, operation_name: str | None
    ) -> Estimate:
        """Return the current price for the same client.

        Raise DocumentNotTrusted, InvalidInput, and TooComplex or a GraphQLError for it.
        """
        roots = await self.selections(document, variables, operation_name)
        count = sum(map(keys, roots))
        async with self._lanes.of(count):
            await self._take(count)
            return await self._fetcher.pricer.estimate_in_steps(roots, self._fetcher.facts, self._take)

    async def selections(
        self, document: str, variables: Mapping[str, Any] | None, operation_name: str | None
    ) -> tuple[Selection, ...]:
        """Return the selections of a document. Raise the errors of a price."""
        text = self._trusted(document)
        await self._take(work.of_text(text) + work.of_variables(variables))
        roots = self._priced(text, variables, operation_name)
        self._count(roots)
        return roots

    async def _take(self, amount: int) -> None:
        """Take the share alone in every case: one operation may price many documents in many short steps."""
        await self._fetcher.share.take(amount, alone=True)

    def _count(self, roots: Sequence[Selection]) -> None:
        self._keys += sum(map(keys, roots))
        if self._keys > MOST_PRICED_KEYS:
            raise TooComplex(
                f"The documents that are priced here name {self._keys} keys, and may name {MOST_PRICED_KEYS} together. "
                "Ask for their prices in several operations.",
                limit="priced keys",
                most=MOST_PRICED_KEYS,
                value=self._keys,
            )


def keys(root: Selection) -> int:
    """Return the number of entities that the root selection names: the length of its longest list, or 1."""
    lists = [len(value) for value in root.arguments.values() if isinstance(value, list | tuple)]
    return max(lists, default=1)
