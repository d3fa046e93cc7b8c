"""Failures on demand: rules that a test, or `POST /_control/faults`, lays down, and what they do to one call.

Of the rules that match a call, in their order, all latencies add up, the last `info` holds, of `processing`,
`accepted`, `usage` and `bare_tray` the first, and the first of the others decides how the call fails. A rule with
`times` is spent after so many calls, so a list of them is a script.

A read call is named by its path (`/v1/user/by/id`), a write call by method and route (`POST /platform/media/upload`,
`GET /platform/highlights/{id}`). Some rules are for write calls alone, and pass the others by.
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
    """The answer comes `seconds` later."""

    seconds: Seconds


class Info(Fault, tag="info"):
    """How `x-hiker-info` is spelled; with `price`, the call is billed so, whatever the price list says."""

    spelling: Literal["json", "text"] = "json"
    price: Count | None = None


class Placed(Fault, kw_only=True):
    """`when` is for write calls: whether the call fails before its work is done or after. None: as its kind says."""

    when: When | None = None

    @property
    def is_after(self) -> bool:
        return self.when == "after"


class Status(Placed, tag="status"):
    """The documented refusal of this status; charged as that status is. `retry_after` is in seconds."""

    status: ErrorStatus
    retry_after: Seconds | None = None


class EdgeHtml(Placed, tag="edge_html"):
    """A page of HTML from the edge in front of the API: not charged, and no price is said."""

    status: ErrorStatus = 502


class Hang(Placed, tag="hang"):
    """The work is done and charged, and the answer never comes: the call ends when the client goes away."""

    @property
    def is_after(self) -> bool:
        return self.when != "before"


class DeadKeepAlive(Placed, tag="dead_keep_alive"):
    """The connection closes before any byte of an answer: nothing was read, so nothing is counted or charged.

    On a server that shows its transport (uvicorn) the socket is closed; in-process `ConnectionDropped` is raised.
    """


class Truncated(Fault, tag="truncated"):
    """The JSON breaks off in the middle; charged, as the work was done."""


class WrongTypes(Fault, tag="wrong_types"):
    """Every value of the answer has another type than the contract says."""


class WrongShape(Fault, tag="wrong_shape"):
    """An object where the contract says a list, and the other way round."""


class PlatformError(Placed, tag="platform_error"):
    """A write call is refused with this code of the platform's table; its usual subcode and status are replaceable.

    `retry_after` is in seconds; `regain` is in minutes: the estimated time to regain access.
    """

    code: int
    subcode: int | None = None
    status: ErrorStatus | None = None
    retry_after: Seconds | None = None
    regain: Count | None = None


class Processing(Fault, tag="processing", kw_only=True):
    """An upload is worked on for so many seconds; with a `code` of the table it ends in ERROR.

    `retry_after` (seconds) rides on the 202.
    """

    endpoint: str | None = "POST *upload*"
    seconds: Seconds
    code: int | None = None
    subcode: int | None = None
    retry_after: Seconds | None = None


class Accepted(Fault, tag="accepted", kw_only=True):
    """The creation of a highlight is answered 202, and the highlight is there after so many seconds."""

    endpoint: str | None = "POST /platform/users/{user_id}/highlights"
    seconds: Seconds


class Usage(Fault, tag="usage"):
    """The usage headers of a write call say so many percent, and the minutes until access is regained."""

    percent: Count
    regain: Count = 0


class BareTray(Fault, tag="bare_tray", kw_only=True):
    """The tray names no media: `media_ids` and `items` are empty, as the platform often leaves them."""

    endpoint: str | None = "GET /aiograpi/user/highlights"


WRITES_ONLY = (PlatformError, Processing, Accepted, Usage, BareTray)
# Those that decide a call's outcome.
Failure = Status | EdgeHtml | Hang | DeadKeepAlive | Truncated | WrongTypes | WrongShape | PlatformError
AnyFault = Latency | Info | Failure | Processing | Accepted | Usage | BareTray


class Script(Struct, forbid_unknown_fields=True):
    """The body of `POST /_control/faults`. The same seed and the same order of calls hit the same calls."""

    faults: list[AnyFault]
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Effects:
    """What the rules do to one call. `latency` is in seconds. The last four are for write calls."""

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
        """Puts these rules in the place of all others."""
        self.play(Script(list(faults), seed))

    def play(self, script: Script) -> None:
        self.script = script
        self._random = random.Random(script.seed)  # noqa: S311 (chance that repeats, not a secret)

    def draw(self, path: str, *, is_write: bool = False) -> Effects:
        """What happens to the next call of this name. A rule behind the deciding one is not used up."""
        effects = Effects()
        for fault in self.script.faults:
            is_for_it = is_write or not isinstance(fault, WRITES_ONLY)
            if is_for_it and not _is_settled(effects, fault) and fault.strikes(path, self._random):
                effects = _with(effects, fault)
        return effects


def _is_settled(effects: Effects, fault: AnyFault) -> bool:
    """Whether an earlier rule has decided already what this one would."""
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
    """The body as this failure leaves it."""
    match failure:
        case Truncated():
            return body[: len(body) // 2]
        case WrongTypes():
            return msgspec.json.encode(_retyped(msgspec.json.decode(body)))
        case WrongShape():
            value = msgspec.json.decode(body)
            return msgspec.json.encode({"response": value} if isinstance(value, list) else [value])
        case Status() | EdgeHtml() | Hang() | DeadKeepAlive() | PlatformError() | None:
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
