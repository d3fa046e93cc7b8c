"""The cache of responses where tracing is on: the span of a replay says which operation it answers."""

from __future__ import annotations

from collections.abc import Hashable
from weakref import WeakKeyDictionary

from gateway.cache.response_cache import Response, Responses
from gateway.cache.store import EntryStore
from gateway.clock import Clock
from gateway.http.exact_match_cache import ExactReplay
from gateway.operation_events import AnswerSource, Transport
from gateway.operations.operation_spans import OperationScope
from gateway.spans import Attribute, Attributes, current_scope

# Of a recorded operation, for the spans of its replays.
OF_OPERATION = (Attribute.OPERATION_NAME, Attribute.OPERATION_TYPE, Attribute.DOCUMENT_HASH)


class TracedResponses(Responses[ExactReplay]):
    """The cache. A replay runs nothing that knows its operation, so that is recorded with its response."""

    def __init__(self, max_bytes: int, *, store: EntryStore, clock: Clock) -> None:
        super().__init__(max_bytes, store=store, clock=clock)
        self._operations: WeakKeyDictionary[Response, Attributes] = WeakKeyDictionary()

    def find_replay(self, request: Hashable) -> ExactReplay | None:
        replay, scope = super().find_replay(request), current_scope()
        if replay is not None and isinstance(scope, OperationScope):
            operation = self._operations.get(replay.response, {})
            figures: Attributes = {
                Attribute.CLIENT: replay.client.id,
                Attribute.TRANSPORT: Transport.HTTP.value,
                Attribute.SOURCE: AnswerSource.EXACT_MATCH.value,
                Attribute.CALLS: 0,
                Attribute.CHARGED: 0,
                Attribute.SAVED_BY_CACHE: replay.response.worth,
                Attribute.SAVED_BY_SHARING: 0,
            }
            scope.describe({**operation, **figures})
        return replay

    def keep_replay(self, request: Hashable, replay: ExactReplay) -> None:
        super().keep_replay(request, replay)
        scope = current_scope()
        if isinstance(scope, OperationScope):
            known = scope.attributes
            self._operations[replay.response] = {name: known[name] for name in OF_OPERATION if name in known}
