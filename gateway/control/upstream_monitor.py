"""The state of the upstreams, as the events of one process tell it."""

from __future__ import annotations

from gateway.call_events import UpstreamQueueChanged
from gateway.control.messages import UpstreamReport
from gateway.events import CircuitBreakerStateChanged, EndpointRetired, Event, UpstreamAccess

CLOSED = "closed"


class UpstreamMonitor:
    """The upstreams by name. `hear` is an event hook. `retired` are endpoints with the paths used in their place."""

    def __init__(self, *upstreams: str) -> None:
        self.upstreams = {name: UpstreamReport(name, CLOSED, None, None, 0) for name in upstreams}
        self.retired: dict[str, str] = {}

    def hear(self, event: Event) -> None:
        match event:
            case UpstreamQueueChanged(upstream=upstream, waiting=waiting):
                self._of(upstream).waiting = waiting
            case CircuitBreakerStateChanged(state=state, upstream=upstream):
                self._of(upstream).breaker = state
            case UpstreamAccess(state=state, upstream=upstream, problem=problem):
                report = self._of(upstream)
                report.access, report.problem = state, problem
            case EndpointRetired(endpoint=endpoint, instead=instead):
                self.retired[endpoint] = instead
            case _:
                pass

    def _of(self, upstream: str) -> UpstreamReport:
        return self.upstreams.setdefault(upstream, UpstreamReport(upstream, CLOSED, None, None, 0))
