"""The counts of operations: by name, client, outcome and time."""

from __future__ import annotations

from collections.abc import Iterator

from gateway import errors
from gateway.metrics import families
from gateway.metrics.instruments import Instruments
from gateway.metrics.label_bounds import BoundedLabels
from gateway.operation_events import AnswerSource, OperationCompleted

BUG = "INTERNAL_SERVER_ERROR"


def _codes(kind: type[errors.GatewayError]) -> Iterator[str]:
    if "code" in vars(kind):
        yield kind.code
    for below in kind.__subclasses__():
        yield from _codes(below)


FAULTS = frozenset(
    {
        *_codes(errors.UpstreamError),
        *(errors.AccountDisconnected.code, errors.RouteMissing.code),
        *(errors.FlowsUnavailable.code, errors.LedgerUnavailable.code, BUG),
    }
)
"""The codes of errors that neither a client nor its request causes. The error budget of the alerts counts them."""


class OperationRecorder:
    """Records ended operations. `clients` and `names` bound the labels."""

    def __init__(self, instruments: Instruments, clients: BoundedLabels, names: BoundedLabels) -> None:
        self._instruments = instruments
        self._clients = clients
        self._names = names
        instruments.count(families.FAULTS, by=0)

    def record(self, event: OperationCompleted) -> None:
        instruments, client, outcome = self._instruments, self._clients.of(event.client), event.outcome.value
        instruments.count(families.OPERATIONS, self._name(event), event.type or "", outcome)
        instruments.count(families.CLIENT_OPERATIONS, client, outcome)
        exemplar = None if event.trace is None else {"trace_id": event.trace}
        instruments.observe(
            families.OPERATION_DURATION, event.seconds, event.type or "", event.source.value, exemplar=exemplar
        )
        for code in event.codes:
            instruments.count(families.ERRORS, code)
        if not FAULTS.isdisjoint(event.codes):
            instruments.count(families.FAULTS)
        for way, saved in (("cache", event.saved_by_cache), ("sharing", event.saved_by_sharing)):
            if saved:
                instruments.count(families.SAVED, client, way, by=saved)

    def record_many(self, event: OperationCompleted, count: int, seconds: float) -> None:
        """Record `count` operations without errors that are all as `event`, and took `seconds` together."""
        instruments, client, outcome = self._instruments, self._clients.of(event.client), event.outcome.value
        instruments.count(families.OPERATIONS, self._name(event), event.type or "", outcome, by=count)
        instruments.count(families.CLIENT_OPERATIONS, client, outcome, by=count)
        instruments.observe_many(families.OPERATION_DURATION, count, seconds, event.type or "", event.source.value)
        if event.saved_by_cache:
            instruments.count(families.SAVED, client, "cache", by=event.saved_by_cache * count)

    def _name(self, event: OperationCompleted) -> str:
        """Return the label for the name. A refused operation does not make a new one: it may have any name."""
        if event.operation is None:
            return ""
        if event.source is AnswerSource.REFUSED:
            return self._names.known(event.operation)
        return self._names.of(event.operation, event.client)
