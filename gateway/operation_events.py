"""The event of an operation that ended, and the replays of one."""

from __future__ import annotations

import dataclasses
import enum
from dataclasses import dataclass
from typing import TypeAlias

from gateway.events import Event


class Transport(enum.StrEnum):
    """The way of an operation: one of a request, a batch, a stream of HTTP, or a WebSocket."""

    HTTP = "http"
    BATCH = "batch"
    MULTIPART = "multipart"
    SSE = "sse"
    WEBSOCKET = "websocket"


class AnswerSource(enum.StrEnum):
    """The origin of an operation's answer. `REFUSED`: nothing was executed, the answer is an error."""

    EXECUTED = "executed"
    RESPONSE_CACHE = "response_cache"
    EXACT_MATCH = "exact_match"
    REFUSED = "refused"


class OperationOutcome(enum.StrEnum):
    """The outcome of an operation. `PARTIAL`: data and errors; `CANCELLED`: the client had left before the end."""

    OK = "ok"
    PARTIAL = "partial"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class CallSummary:
    """A call of an operation, as on its bill. `start` is in seconds since the operation began.

    It took `seconds`, of which its requests `waited` so long for their turn. `error` is the code of a failure.
    """

    endpoint: str
    source: str
    price: int
    charged: int
    start: float
    seconds: float
    waited: float = 0.0
    attempts: int = 0
    error: str | None = None


@dataclass(frozen=True, slots=True)
class OperationCompleted(Event):
    """An operation ended, however it came and ended. Emitted once for each, but not for answers of exact matches.

    `request` is the request id, `trace` the trace id; `client` is an id, `-` if unknown. `operation` and `type` are its
    name and type in the document, `document` the first digits of the SHA-256 of the document. `status` is that of HTTP;
    None over a WebSocket, and if the client left before it was sent. `codes` are the codes of the errors, each once.
    `seconds` are those from the request to the end of the answer; amounts are billed requests. `plan` are the slowest
    calls of a slow operation in the order of their start, else None.
    """

    request: str
    client: str
    transport: Transport
    source: AnswerSource
    operation: str | None = None
    type: str | None = None
    document: str | None = None
    status: int | None = None
    codes: tuple[str, ...] = ()
    has_data: bool = dataclasses.field(default=False, repr=False)
    cancelled: bool = dataclasses.field(default=False, repr=False)
    outcome: OperationOutcome = dataclasses.field(init=False)
    charged: int = 0
    saved_by_cache: int = 0
    saved_by_sharing: int = 0
    calls: int = 0
    seconds: float = 0.0
    trace: str | None = None
    plan: tuple[CallSummary, ...] | None = dataclasses.field(default=None, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "outcome", self._outcome())

    def _outcome(self) -> OperationOutcome:
        if self.cancelled:
            return OperationOutcome.CANCELLED
        if not self.codes:
            return OperationOutcome.OK
        return OperationOutcome.PARTIAL if self.has_data else OperationOutcome.FAILED


@dataclass(slots=True, eq=False)
class ReplayCount:
    """The replays of one request since they were last drained, and the `seconds` they took together.

    `operation` is the event of each of them, but for request id and duration. `ending` is a part of their log lines.
    """

    operation: OperationCompleted
    ending: bytes = b""
    count: int = 0
    seconds: float = 0.0


Replay: TypeAlias = tuple[ReplayCount, bytes, str | None, float, float]
"""One replay: its request's count, request id, trace, and the monotonic times at which it began and ended."""
