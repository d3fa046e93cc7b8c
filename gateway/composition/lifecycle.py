"""The first and the last line of a process in the log, with what it had to leave unfinished."""

from __future__ import annotations

from gateway.events import Event, FlowEnded, FlowStarted, Hook
from gateway.operation_events import OperationCompleted
from gateway.process_events import ShutdownBegan, Started, Stopped
from gateway.settings import Settings
from gateway.version import version


class Lifecycle:
    """An event hook, `hear`, that counts what the shutdown cuts off. `hook` gets the events of start and end."""

    def __init__(self, hook: Hook) -> None:
        self._hook = hook
        self._flows: set[str] = set()
        self._has_started = self._is_ending = False
        self._cut_off = 0

    def hear(self, event: Event) -> None:
        match event:
            case FlowStarted(flow=flow):
                self._flows.add(flow)
            case FlowEnded(flow=flow):
                self._flows.discard(flow)
            case ShutdownBegan():
                self._is_ending = True
            case OperationCompleted(cancelled=True):
                self._cut_off += self._is_ending
            case _:
                pass

    def started(self, settings: Settings, url: str, workers: int, *, publishes: bool) -> None:
        self._has_started = True
        upstream = "sandbox" if settings.sandboxed else "hikerapi"
        own = "sandbox" if settings.platform_url is None else settings.platform_dialect
        self._hook(Started(version(), url, workers, upstream, own if publishes else None))

    def stopped(self, running: int) -> None:
        """Tell that the process ends, if it has started. `running` operations have not even ended by being cut off."""
        if self._has_started:
            self._hook(Stopped(self._cut_off + running, len(self._flows)))
