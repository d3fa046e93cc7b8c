"""Which representation the client wants: content negotiation of RFC 9110 for what GraphQL over HTTP offers."""

from __future__ import annotations

import enum
import math
from collections.abc import Iterator
from dataclasses import dataclass

JSON = "application/json"
GRAPHQL = "application/graphql-response+json"
MULTIPART = "multipart/mixed"
EVENTS = "text/event-stream"
HTML = "text/html"


class Media(enum.Enum):
    """The forms of a single answer."""

    GRAPHQL = GRAPHQL
    JSON = JSON


@dataclass(frozen=True, slots=True)
class Accepted:
    """What the client can read.

    `single` is None where it reads no single answer, or would rather have events. `multipart` and `events` say that it
    reads answers in parts, `subscriptions` that its parts may be the events of a subscription (`subscriptionSpec`),
    `page` that it shows HTML. Streams must be named: a wildcard means a single answer.
    """

    single: Media | None
    multipart: bool
    page: bool
    events: bool = False
    subscriptions: bool = False

    @property
    def streams(self) -> bool:
        """Whether an answer may come in parts."""
        return self.multipart or self.events

    @property
    def nothing(self) -> bool:
        """Whether no form that there is will do."""
        return self.single is None and not self.streams


@dataclass(frozen=True, slots=True)
class Range:
    """One element of an Accept header."""

    type: str
    weight: float
    subscriptions: bool = False

    @property
    def exactness(self) -> int:
        return 0 if self.type == "*/*" else 1 if self.type.endswith("/*") else 2


def negotiate(accept: str | None) -> Accepted:
    """Without a header, and where any JSON would do, the answer is `application/json`: what old clients expect."""
    ranges = list(_ranges(accept)) if accept and accept.strip() else [Range("*/*", 1.0)]
    weights = {range_.type: range_.weight for range_ in ranges if range_.weight > 0}
    subscriptions = any(range_.subscriptions for range_ in ranges if range_.weight > 0)
    single = _single(ranges, least=weights.get(EVENTS, 0.0))
    return Accepted(single, MULTIPART in weights, HTML in weights, EVENTS in weights, subscriptions)


def _single(ranges: list[Range], least: float) -> Media | None:
    """The heaviest; of equals the one that is named rather than matched, then the more telling one."""
    rated = [(*_rate(ranges, media), media) for media in Media]
    weight, _, best = max(rated, key=lambda rating: rating[:2])
    return best if weight > 0 and weight >= least else None


def _rate(ranges: list[Range], media: Media) -> tuple[float, int]:
    """The most exact range decides, and a wildcard means plain JSON when both would do."""
    matching = [range_ for range_ in ranges if range_.type in (media.value, "application/*", "*/*")]
    if not matching:
        return 0.0, 0
    range_ = max(matching, key=lambda one: one.exactness)
    return range_.weight, 3 if range_.exactness == 2 else 1 + (media is Media.JSON)


def _ranges(header: str) -> Iterator[Range]:
    for part in header.split(","):
        type_, *parameters = (piece.strip().lower() for piece in part.split(";"))
        if type_:
            spec = any(parameter.startswith("subscriptionspec") for parameter in parameters)
            yield Range(type_, _weight(parameters), spec and type_ == MULTIPART)


def _weight(parameters: list[str]) -> float:
    """1 where none is given; an unreadable one counts as a refusal."""
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                weight = float(value)
            except ValueError:
                return 0.0
            return weight if math.isfinite(weight) else 0.0
    return 1.0
