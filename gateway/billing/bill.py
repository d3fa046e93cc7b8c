"""The bill of one operation: which calls it took part in, who paid them, and what that saved."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from gateway.billing.prices import Purchase
from gateway.errors import GatewayError


class Source(enum.Enum):
    """Where the answer of a call came from."""

    BOUGHT = "BOUGHT"  # this operation made the call
    SHARED = "SHARED"  # another operation had made it already and pays it
    STALE = "STALE"  # the upstream failed; an entry past its freshness stood in
    REFUSED = "REFUSED"  # it did not fit into the budget, the allowance or the account, whoever said so


@dataclass(frozen=True, slots=True)
class BilledCall:
    """One call of the operation.

    `charged` is what this operation was charged for it. `start` is when it asked for it, in seconds since it began;
    `age` is of a stale entry.
    """

    purchase: Purchase
    source: Source
    charged: int = 0
    start: float = 0.0
    seconds: float = 0.0
    age: float | None = None
    problem: GatewayError | None = None


class BillingRecord:
    """Grows while the operation runs. Amounts are billed requests."""

    def __init__(self) -> None:
        self.lines: list[BilledCall] = []
        self.expected = 0

    def add(self, line: BilledCall) -> None:
        self.lines.append(line)

    @property
    def charged(self) -> int:
        return sum(line.charged for line in self.lines)

    @property
    def saved_by_sharing(self) -> int:
        return sum(line.purchase.price for line in self.lines if line.source is Source.SHARED)

    @property
    def nominal(self) -> int:
        """What all calls of the operation would have cost if it had paid each of them."""
        return sum(line.charged or line.purchase.price for line in self.lines)

    @property
    def stale(self) -> tuple[BilledCall, ...]:
        return tuple(line for line in self.lines if line.source is Source.STALE)
