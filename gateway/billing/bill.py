"""The bill of one operation: its calls, which operation paid for each, and the amounts saved by sharing."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from gateway.billing.prices import Purchase
from gateway.errors import GatewayError


class Source(enum.Enum):
    """The origin of a call's answer."""

    BOUGHT = "BOUGHT"  # this operation made the call
    SHARED = "SHARED"  # another operation had made the call already and pays for it
    STALE = "STALE"  # the upstream failed; an entry past its freshness stood in
    REFUSED = "REFUSED"  # exceeded budget, allowance or balance; refused by the gateway or the upstream


@dataclass(frozen=True, slots=True)
class BilledCall:
    """One call of the operation.

    `charged` is the amount charged to this operation. `start` is when the operation requested the call, in seconds
    since the operation began. It took `seconds`, of which its requests `waited` so long for their turn at the upstream;
    `attempts` is the number of requests sent. `age` is the age of a stale entry.
    """

    purchase: Purchase
    source: Source
    charged: int = 0
    start: float = 0.0
    seconds: float = 0.0
    age: float | None = None
    problem: GatewayError | None = None
    waited: float = 0.0
    attempts: int = 0


class BillingRecord:
    """The calls of an operation so far. Amounts are billed requests."""

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
        """The price of all calls of the operation if it had paid for each of them."""
        return sum(line.charged or line.purchase.price for line in self.lines)

    @property
    def stale(self) -> tuple[BilledCall, ...]:
        return tuple(line for line in self.lines if line.source is Source.STALE)
