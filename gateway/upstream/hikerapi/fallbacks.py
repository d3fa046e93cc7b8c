"""The endpoints that are in use: where the upstream has retired one (410, not charged), the next of its fallbacks.

The choice lasts as long as the process. A cursor belongs to the endpoint that issued it: those of a fallback begin with
its mark, so that no other endpoint is charged for refusing them.
"""

from __future__ import annotations

from gateway.events import EndpointRetired, Hook
from gateway.upstream.client.exchange import Reply
from gateway.upstream.hikerapi.hiker_endpoint import HikerEndpoint

RETIRED = 410


class EndpointChoice:
    """The endpoint in use for each row of the table."""

    def __init__(self, hook: Hook) -> None:
        self._hook = hook
        self._in_use: dict[HikerEndpoint, HikerEndpoint] = {}

    def of(self, row: HikerEndpoint) -> HikerEndpoint:
        return self._in_use.get(row, row)

    def after(self, row: HikerEndpoint, used: HikerEndpoint, reply: Reply) -> HikerEndpoint | None:
        """Return the endpoint to use from now on, if `reply` says that the one that was `used` is retired."""
        if reply.status != RETIRED:
            return None
        family = (row, *row.fallbacks)
        following = family[family.index(used) + 1 :]
        if not following:
            return None
        if self.of(row) is used:
            self._in_use[row] = following[0]
            self._hook(EndpointRetired(row.label, used.path, following[0].path))
        return self.of(row)
