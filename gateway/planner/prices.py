"""What the upstream bills for a call, in billed requests: its own table, mended by what it really billed."""

from __future__ import annotations

from gateway.upstream.endpoints import Call, Endpoint


class Prices:
    """The nominal prices, until an answer says otherwise; then what it said, so that no budget is reserved too low."""

    def __init__(self) -> None:
        self._billed: dict[tuple[Endpoint, bool], int] = {}

    def of(self, call: Call) -> int:
        return self._billed.get((call.endpoint, call.forced), call.nominal_price)

    def note(self, call: Call, charged: int) -> None:
        """`charged` is what one answered and billed call cost."""
        if charged > 0 and charged != self.of(call):
            self._billed[call.endpoint, call.forced] = charged
