"""The prices of upstream calls, in billed requests: the upstream's table, corrected by what it actually billed."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.clock import Clock
from gateway.reads.endpoints import Call, Endpoint, Endpoints

# Seconds for which a price that differs from the table is used. A call that costs more than its client may spend is not
# made, so that no answer could ever correct its price.
BELIEVED = 600.0


@dataclass(frozen=True, slots=True)
class Purchase:
    """A call to buy.

    `path` is the first place in the response that needs it; `times` is above 1 only when pricing.
    """

    call: Call
    price: int
    path: str
    times: int = 1
    deeper: bool = False

    @property
    def total(self) -> int:
        return self.price * self.times


class Prices:
    """The nominal prices, overridden for a while by the price that an answer was billed at.

    The override keeps a budget from reserving too little. `endpoints` are those of the read API.
    """

    def __init__(self, endpoints: Endpoints[Endpoint], clock: Clock) -> None:
        self.endpoints = endpoints
        self._clock = clock
        self._billed: dict[tuple[Endpoint, bool], tuple[int, float]] = {}

    def of(self, call: Call) -> int:
        """Return the price of a call."""
        billed = self._billed.get((call.endpoint, call.forced))
        if billed is None or self._clock.monotonic() >= billed[1]:
            return call.nominal_price
        return billed[0]

    def note(self, call: Call, charged: int) -> None:
        """Record the price of one answered and billed call."""
        call_type = call.endpoint, call.forced
        if charged == call.nominal_price:
            self._billed.pop(call_type, None)
        elif charged > 0:
            self._billed[call_type] = charged, self._clock.monotonic() + BELIEVED
