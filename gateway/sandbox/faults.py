"""Fault injection: rules that a test or `POST /_control/faults` sets, and their effects on one call.

The rules that match a call apply in their order: all latencies are added, the last `info` applies, the first of each
of `processing`, `accepted`, `usage` and `bare_tray` applies, and the first of the others decides how the call fails. A
rule with `times` is used up after so many calls, so a list of such rules is a script.

A read call is named by its path (`/v1/user/by/id`), a write call by method and route (`POST /platform/media/upload`,
`GET /platform/highlights/{id}`). Some rules apply to write calls only.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal, assert_never

import msgspec
from msgspec import Meta, Struct

Share = Annotated[float, Meta(ge=0, le=1)]
Count = Annotated[int, Meta(ge=0)]
Seconds = Annotated[float, Meta(ge=0)]
ErrorStatus = Annotated[int, Meta(ge=400, le=599)]
When = Literal["before", "after"]


class Fault(Struct, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """`endpoint` is the name of the calls, with `*` for any part of it; None matches every call.

    `rate` is the share of these calls hit, `times` how many calls it still hits.
    """

    endpoint: str | None = None
    rate: Share = 1.0
    times: Count | None = None

    def strikes(self, path: str, chance: random.Random) -> bool:
        if self.times == 0 or not fnmatchcase(path, self.endpoint or "*") or chance.random() >= self.rate:
            return False
        if self.times is not None:
            self.times -= 1
        return True


class Latency(Fault, tag="latency"):
    """The response is delayed by `seconds`."""

    seconds: Seconds


class Info(Fault, tag="info"):
    """The format of `x-hiker-info`; with `price`, the call is billed at this price instead of the endpoint's."""

    spelling: Literal["json", "text"] = "json"
    price: Count | None = None


class Placed(Fault, kw_only=True):
    """`when` is for write calls: the call fails before or after its work is done. None: the default of its kind."""

    when: When | None = None

    @property
    def is_after(self) -> bool:
        return self.when == "after"


class Status(Placed, tag="status"):
    """The documented refusal of this status; charged as that status is. `retry_after` is in seconds."""

    status: ErrorStatus
    retry_after: Seconds | None = None


class EdgeHtml(Placed, tag="edge_html"):
    """An HTML page from the edge in front of the API: not charged, and without a price."""

    status: ErrorStatus = 502


class Hang(Placed, tag="hang"):
    """The work is done and charged, but no response is sent: the call ends when the client disconnects."""

    @property
    def is_after(self) -> bool:
        return self.when != "before"


class DeadKeepAlive(Placed, tag="dead_keep_alive"):
    """The connection closes before any byte of a response: nothing was read, so nothing is counted or charged.

    On a server that exposes its transport (uvicorn) the socket is closed; in-process `ConnectionDropped` is raised.
    """


class Truncated(Fault, tag="truncated"):
    """The JSON breaks off in the middle; charged, as the work was done."""


class WrongTypes(Fault, tag="wrong_types"):
    """Every value of the response has a type that differs from the contract."""


class WrongShape(Fault, tag="wrong_shape"):
    """An object in place of a list, and a list in place of an object."""


class DeadCursors(Fault, tag="dead_cursors"):
    """Every cursor of the endpoint has died: a read call with one is refused with a 400, and charged.

    Calls without a cursor are not hit, nor counted by `times`. (A retired endpoint is a `Status` of 410.)
    """


class PlatformError(Placed, tag="platform_error"):
    """A write call is rejected with this code of the platform's table; its usual subcode and status are replaceable.

    `retry_after` is in seconds; `regain` is in minutes: the estimated time to regain access.
    """

    code: int
    subcode: int | None = None
    status: ErrorStatus | None = None
    retry_after: Seconds | None = None
    regain: Count | None = None


class Processing(Fault, tag="processing", kw_only=True):
    """An upload is processed for so many seconds; with a `code` of the table it ends in ERROR.

    `retry_after` (seconds) is sent with the 202.
    """

    endpoint: str | None = "POST *upload*"
    seconds: Seconds
    code: int | None = None
    subcode: int | None = None
    retry_after: Seconds | None = None


class Accepted(Fault, tag="accepted", kw_only=True):
    """The creation of a highlight is answered with 202, and the highlight exists after so many seconds."""

    endpoint: str | None = "POST /platform/users/{user_id}/highlights"
    seconds: Seconds


class Usage(Fault, tag="usage"):
    """The usage headers of a write call: the percentages, and the minutes until access is regained."""

    percent: Count
    regain: Count = 0


class BareTray(Fault, tag="bare_tray", kw_only=True):
    """The tray contains no media: `media_ids` and `items` are empty, as they often are on the platform."""

    endpoint: str | None = "GET /aiograpi/user/highlights"


WRITES_ONLY = (PlatformError, Processing, Accepted, Usage, BareTray)
# The faults that decide a call's outcome.
Failure = Status | EdgeHtml | Hang | DeadKeepAlive | Truncated | WrongTypes | WrongShape | DeadCursors | PlatformError
AnyFault = Latency | Info | Failure | Processing | Accepted | Usage | BareTray


class Script(Struct, forbid_unknown_fields=True):
    """The body of `POST /_control/faults`. The same seed and the same order of calls hit the same calls."""

    faults: list[AnyFault]
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Effects:
    """The effects of the rules on one call. `latency` is in seconds. The last four are for write calls."""

    latency: float = 0.0
    info: Info = field(default_factory=Info)
    failure: Failure | None = None
    processing: Processing | None = None
    accepted: Accepted | None = None
    usage: Usage | None = None
    bare_tray: BareTray | None = None


class Faults:
    """The rules in force."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self.play(Script([]))

    def lay(self, *faults: AnyFault, seed: int = 0) -> None:
        """Replace all rules by these."""
        self.play(Script(list(faults), seed))

    def play(self, script: Script) -> None:
        self.script = script
        self._random = random.Random(script.seed)  # nosec B311 # noqa: S311 (chance that repeats, not a secret)

    def draw(self, path: str, *, is_write: bool = False, has_cursor: bool = False) -> Effects:
        """Return the effects on the next call of this name. Rules after the deciding one are not used up."""
        effects = Effects()
        for fault in self.script.faults:
            is_for_it = has_cursor if isinstance(fault, DeadCursors) else is_write or not isinstance(fault, WRITES_ONLY)
            if is_for_it and not _is_settled(effects, fault) and fault.strikes(path, self._random):
                effects = _with(effects, fault)
        return effects


def _is_settled(effects: Effects, fault: AnyFault) -> bool:
    """Return whether an earlier rule has already decided the same effect as this one."""
    if isinstance(fault, Failure):
        return effects.failure is not None
    match fault:
        case Latency() | Info():
            return False
        case Processing():
            return effects.processing is not None
        case Accepted():
            return effects.accepted is not None
        case Usage():
            return effects.usage is not None
        case BareTray():
            return effects.bare_tray is not None
        case _:
            assert_never(fault)


def _with(effects: Effects, fault: AnyFault) -> Effects:
    if isinstance(fault, Failure):
        return replace(effects, failure=fault)
    match fault:
        case Latency(seconds=seconds):
            return replace(effects, latency=effects.latency + seconds)
        case Info():
            return replace(effects, info=fault)
        case Processing():
            return replace(effects, processing=fault)
        case Accepted():
            return replace(effects, accepted=fault)
        case Usage():
            return replace(effects, usage=fault)
        case BareTray():
            return replace(effects, bare_tray=fault)
        case _:
            assert_never(fault)


def mangled(failure: Failure | None, body: bytes) -> bytes:
    """Return the body as this failure changes it."""
    match failure:
        case Truncated():
            return body[: len(body) // 2]
        case WrongTypes():
            return msgspec.json.encode(_retyped(msgspec.json.decode(body)))
        case WrongShape():
            value = msgspec.json.decode(body)
            return msgspec.json.encode({"response": value} if isinstance(value, list) else [value])
        case Status() | EdgeHtml() | Hang() | DeadKeepAlive() | DeadCursors() | PlatformError() | None:
            return body
        case _:
            assert_never(failure)


def _retyped(value: Any) -> Any:
    match value:
        case dict():
            return {name: _retyped(inner) for name, inner in value.items()}
        case list():
            return [_retyped(inner) for inner in value] or "empty"
        case str():
            return [value]
        case None:
            return {}
        case _:
            return f"about {value}"
