"""What other operations would cost, asked for within an operation: bounded as if they stood in it, and in turns.

To price is to plan in imagination, four times over. Others have the loop between the steps, those of other prices too:
a price of one key does not wait for the whole of one with a thousand. What is imagined is held in memory, so of those
that name many keys few are worked on at once.
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

# Of all documents that one operation has priced: as many as may be bought at once.
MOST_PRICED_KEYS = LONGEST_LIST

# Keys of a price that does not wait for those of more.
FEW_KEYS = 100
# Prices that one process works on at once: of few keys, and of more.
OF_FEW = 16
OF_MANY = 2

Priced: TypeAlias = Callable[[str, Mapping[str, Any] | None, str | None], tuple[Selection, ...]]


class Lanes:
    """Who waits until the prices of others are worked out; one for each process."""

    def __init__(self) -> None:
        self._few = asyncio.Semaphore(OF_FEW)
        self._many = asyncio.Semaphore(OF_MANY)

    def of(self, keys: int) -> asyncio.Semaphore:
        return self._few if keys <= FEW_KEYS else self._many


class Quotes:
    """The prices that one operation asks for; made anew for each operation. `lanes` are the process's.

    `trusted` gives the text of the document that is named, or refuses it. `priced` gives what a document's operation
    needs, and raises as `gateway.operations.documents.priced` does.
    """

    def __init__(self, trusted: Callable[[str], str], priced: Priced, buyer: Fetcher, lanes: Lanes) -> None:
        self._trusted = trusted
        self._priced = priced
        self._buyer = buyer
        self._lanes = lanes
        self._keys = 0

    async def __call__(
        self, document: str, variables: Mapping[str, Any] | None, operation_name: str | None
    ) -> Estimate:
        """The price now, for the same client. Raises DocumentNotTrusted, InvalidInput, and what says TooComplex."""
        text = self._trusted(document)
        await self._take(work.of_text(text) + work.of_variables(variables))
        roots = self._priced(text, variables, operation_name)
        self._count(roots)
        count = sum(map(keys, roots))
        async with self._lanes.of(count):
            await self._take(count)
            return await self._buyer.pricer.estimate_in_steps(roots, self._buyer.facts, self._take)

    async def _take(self, much: int) -> None:
        """Alone in any case: what one operation prices may be many short steps."""
        await self._buyer.share.take(much, alone=True)

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
    """How many entities it names: by a list of them, or one."""
    lists = [len(value) for value in root.arguments.values() if isinstance(value, list | tuple)]
    return max(lists, default=1)
