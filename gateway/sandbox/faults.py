"""Failures on demand: rules that a test, or `POST /_control/faults`, lays down, and what they do to one call.

Of the rules that match a call, in their order, all latencies add up, the last `info` holds, and the first of the others
decides how the call fails. A rule with `times` is spent after so many calls, so a list of them is a script.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

Share = Annotated[float, Meta(ge=0, le=1)]
Count = Annotated[int, Meta(ge=0)]
Seconds = Annotated[float, Meta(ge=0)]
ErrorStatus = Annotated[int, Meta(ge=400, le=599)]


class Fault(Struct, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """`endpoint` None matches every path, `rate` is the share of calls hit, `times` how many calls it still hits."""

    endpoint: str | None = None
    rate: Share = 1.0
    times: Count | None = None

    def strikes(self, path: str, chance: random.Random) -> bool:
        if self.times == 0 or self.endpoint not in (None, path) or chance.random() >= self.rate:
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


class Failure(Fault):
    """Base of the rules that decide a call's outcome."""


class Status(Failure, tag="status"):
    """The documented refusal of this status; charged as that status is. `retry_after` is in seconds."""

    status: ErrorStatus
    retry_after: Seconds | None = None


class EdgeHtml(Failure, tag="edge_html"):
    """A page of HTML from the edge in front of the API: not charged, and no price is said."""

    status: ErrorStatus = 502


class Hang(Failure, tag="hang"):
    """The work is done and charged, and the answer never comes: the call ends when the client goes away."""


class DeadKeepAlive(Failure, tag="dead_keep_alive"):
    """The connection closes before any byte of an answer: nothing was read, so nothing is counted or charged.

    On a server that shows its transport (uvicorn) the socket is closed; in-process `ConnectionDropped` is raised.
    """


class Truncated(Failure, tag="truncated"):
    """The JSON breaks off in the middle; charged, as the work was done."""


class WrongTypes(Failure, tag="wrong_types"):
    """Every value of the answer has another type than the contract says."""


class WrongShape(Failure, tag="wrong_shape"):
    """An object where the contract says a list, and the other way round."""


AnyFault = Latency | Info | Status | EdgeHtml | Hang | DeadKeepAlive | Truncated | WrongTypes | WrongShape


class Script(Struct, forbid_unknown_fields=True):
    """The body of `POST /_control/faults`. The same seed and the same order of calls hit the same calls."""

    faults: list[AnyFault]
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Effects:
    """What the rules do to one call. `latency` is in seconds."""

    latency: float
    info: Info
    failure: Failure | None


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

    def draw(self, path: str) -> Effects:
        """What happens to the next call of `path`. A rule behind the deciding failure is not used up."""
        latency, info, failure = 0.0, Info(), None
        for fault in self.script.faults:
            if isinstance(fault, Failure) and failure is not None:
                continue
            if not fault.strikes(path, self._random):
                continue
            match fault:
                case Latency(seconds=seconds):
                    latency += seconds
                case Info():
                    info = fault
                case _:
                    failure = fault
        return Effects(latency, info, failure)


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
    return body


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
