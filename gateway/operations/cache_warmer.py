"""Purchases for other operations before anybody sends them, so that they are answered from the cache."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.billing.bill import BillingRecord
from gateway.errors import InvalidInput
from gateway.operations.quotes import Quotes
from gateway.planner.fetcher import Fetcher


class CacheWarmer:
    """The purchases within one operation, on its budget and its bill. `quotes` finds what is to be bought."""

    def __init__(self, quotes: Quotes, fetcher: Fetcher) -> None:
        self._quotes = quotes
        self._fetcher = fetcher

    async def __call__(
        self, document: str, variables: Mapping[str, Any] | None, operation_name: str | None
    ) -> BillingRecord:
        """Buy what the query would buy if it were executed now, but for deferred fragments. Return its bill.

        Raise the errors of `Quotes.selections`, InvalidInput for an operation that reads nothing, and those of
        `Fetcher.prepare`.
        """
        roots = await self._quotes.selections(document, variables, operation_name)
        if not roots:
            raise InvalidInput("document must be a query of data that the upstream has.", field="document")
        fetcher = Fetcher(self._fetcher.services, self._fetcher.budget, forced=self._fetcher.forced)
        try:
            await fetcher.prepare(roots)
        finally:
            for line in fetcher.bill.lines:
                self._fetcher.bill.add(line)
            self._fetcher.bill.expected += fetcher.bill.expected
        return fetcher.bill
