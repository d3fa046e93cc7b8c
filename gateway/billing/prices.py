"""What the upstream bills for a call, in billed requests: its own table, mended by what it really billed."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.clock import Clock
from gateway.upstream.hikerapi.endpoints import Call, Endpoint

# Seconds for which a price is believed that is not the table's. A call that costs more than its client may spend is not
# made, so that no answer could ever correct its price.
BELIEVED = 600.0


@dataclass(frozen=True, slots=True)
class Purchase:
    """A call to buy. `path` is where the answer wants it first; `times` is above 1 only when pricing."""

    call: Call
    price: int
    path: str
    times: int = 1
    deeper: bool = False

    @property
    def total(self) -> int:
        return self.price * self.times


class Prices:
    """The nominal prices, until an answer says otherwise; then for a while what it said, so that no budget is reserved
    too low."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._billed: dict[tuple[Endpoint, bool], tuple[int, float]] = {}

    def of(self, call: Call) -> int:
        billed = self._billed.get((call.endpoint, call.forced))
        if billed is None or self._clock.monotonic() >= billed[1]:
            return call.nominal_price
        return billed[0]

    def note(self, call: Call, charged: int) -> None:
        """`charged` is what one answered and billed call cost."""
        kind = call.endpoint, call.forced
        if charged == call.nominal_price:
            self._billed.pop(kind, None)
        elif charged > 0:
            self._billed[kind] = charged, self._clock.monotonic() + BELIEVED
