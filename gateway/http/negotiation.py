"""Content negotiation (RFC 9110) for the media types of GraphQL over HTTP.

A media range with an unknown parameter, or with an unknown value of a known parameter, asks for a representation that
does not exist: it matches nothing.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Self

from gateway.http.preferences import Preference, preferences

JSON = "application/json"
GRAPHQL = "application/graphql-response+json"
MULTIPART = "multipart/mixed"
EVENTS = "text/event-stream"
HTML = "text/html"
STREAMS = (EVENTS, MULTIPART)  # of equal weights the last is taken: clients have supported multipart longer

CHARSETS = ("utf-8", "utf8")
# Characters of all `Accept` headers together: browsers and GraphQL clients send two hundred at most.
LONGEST_ACCEPTED = 1_000
BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]")  # RFC 2046, section 5.1.1
SUBSCRIPTION = ("subscriptionspec", "1.0")


class ResponseType(enum.Enum):
    """The media types of a single response."""

    GRAPHQL = GRAPHQL
    JSON = JSON


class Incremental(enum.Enum):
    """The formats of incremental delivery, oldest first; of equal weights the newest is taken."""

    V0_1 = "v0.1"
    """Each part names the path of its data: https://specs.apollo.dev/incremental/v0.1/."""
    V0_2 = "v0.2"
    """Each part names the id of what was announced as pending: https://specs.apollo.dev/incremental/v0.2/."""


# The media type parameters by which clients name the formats.
FORMS = {
    ("deferspec", "20220824"): ("deferSpec=20220824", Incremental.V0_1),
    ("incrementalspec", "v0.1"): ("incrementalSpec=v0.1", Incremental.V0_1),
    ("incrementalspec", "v0.2"): ("incrementalSpec=v0.2", Incremental.V0_2),
    ("incrementaldeliveryspec", "3283f8a"): ("incrementalDeliverySpec=3283f8a", Incremental.V0_2),
}
UNNAMED = {Incremental.V0_1: "incrementalSpec=v0.1", Incremental.V0_2: "incrementalSpec=v0.2"}


@dataclass(frozen=True, slots=True)
class Streamed:
    """A stream that the client accepts: its media type, and the multipart boundary if the client names one.

    `form` is the format of incremental delivery, and `parameter` the client's name of it.
    """

    media: str
    boundary: str | None = None
    form: Incremental = Incremental.V0_2
    parameter: str = ""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The representations that the client accepts.

    `single` is None if it accepts no single response, or prefers server-sent events. `incremental` is the stream for
    incremental delivery, and `subscription` that for subscriptions. `page`: it accepts HTML. A stream must be named: a
    wildcard means a single response.
    """

    single: ResponseType | None
    page: bool
    incremental: Streamed | None = None
    subscription: Streamed | None = None

    @property
    def nothing(self) -> bool:
        """True if no representation is acceptable."""
        return self.single is None and self.incremental is None and self.subscription is None


@dataclass(frozen=True, slots=True)
class MediaRange:
    """One media range of an Accept header whose parameters are all known.

    `parameter` and `form` name the format of incremental delivery; "" and None if the range names none. `subscribes`:
    it has the parameter of multipart subscriptions.
    """

    type: str
    weight: float
    boundary: str | None = None
    parameter: str = ""
    form: Incremental | None = None
    subscribes: bool = False

    @property
    def exactness(self) -> int:
        return 0 if self.type == "*/*" else 1 if self.type.endswith("/*") else 2

    @classmethod
    def of(cls, preference: Preference) -> Self | None:
        """Return the media range of `preference`; None if a parameter of it is unknown."""
        parameters = dict(preference.parameters)
        pairs = {(name, value.lower()) for name, value in preference.parameters}
        forms = [FORMS[pair] for pair in pairs if pair in FORMS]
        if len(parameters) < len(preference.parameters) or len(forms) > 1 or not pairs <= _known_parameters(preference):
            return None
        parameter, form = forms[0] if forms else ("", None)
        boundary = parameters.get("boundary")
        return cls(preference.name, preference.weight, boundary, parameter, form, SUBSCRIPTION in pairs)

    def carries(self, form: Incremental) -> bool:
        """Return whether incremental delivery in this format matches the range."""
        return self.form is form or (self.form is None and not self.subscribes)


def _known_parameters(preference: Preference) -> set[tuple[str, str]]:
    """Return the known parameters of a range of this type, with their values."""
    known = {("charset", charset) for charset in CHARSETS}
    if preference.name in STREAMS:
        known |= FORMS.keys()
    if preference.name == MULTIPART:
        known.add(SUBSCRIPTION)
        known |= {
            (name, value.lower())
            for name, value in preference.parameters
            if name == "boundary" and BOUNDARY.fullmatch(value)
        }
    return known


def negotiate(accept: str | None) -> Accepted:
    """Return the representations that the header `accept` asks for.

    Without a header, or if it accepts any JSON, a response is `application/json`, which older clients expect. A header
    longer than LONGEST_ACCEPTED is ignored: thousands of ranges take long to read, and no key has been checked yet.
    """
    is_read = accept is not None and len(accept) <= LONGEST_ACCEPTED and accept.strip() != ""
    ranges = list(_ranges(accept)) if accept is not None and is_read else [MediaRange("*/*", 1.0)]
    events = max((range_.weight for range_ in ranges if range_.type == EVENTS), default=0.0)
    page = any(range_.type == HTML and range_.weight > 0 for range_ in ranges)
    return Accepted(_single(ranges, least=events), page, _incremental(ranges), _subscription(ranges))


def _ranges(header: str) -> Iterator[MediaRange]:
    return (range_ for preference in preferences(header) if (range_ := MediaRange.of(preference)) is not None)


def _single(ranges: list[MediaRange], least: float) -> ResponseType | None:
    """Return the media type of highest weight; of equal weights one named exactly, then the more specific one."""
    rated = [(*_rate(ranges, media), media) for media in ResponseType]
    weight, _, best = max(rated, key=lambda rating: rating[:2])
    return best if weight > 0 and weight >= least else None


def _rate(ranges: list[MediaRange], media: ResponseType) -> tuple[float, int]:
    """Return weight and rank of `media`, by the most specific range. A wildcard for both prefers plain JSON."""
    matching = [range_ for range_ in ranges if range_.type in (media.value, "application/*", "*/*")]
    if not matching:
        return 0.0, 0
    range_ = max(matching, key=lambda one: one.exactness)
    return range_.weight, 3 if range_.exactness == 2 else 1 + (media is ResponseType.JSON)


def _incremental(ranges: list[MediaRange]) -> Streamed | None:
    """Return the stream of highest weight; of equal ones multipart, then a named format, then the newest."""
    best, rating = None, (0.0, 0, 0, 0)
    for rank, media in enumerate(STREAMS):
        for age, form in enumerate(Incremental):
            range_ = _most_exact(range_ for range_ in ranges if range_.type == media and range_.carries(form))
            if range_ is None or range_.weight == 0:
                continue
            rated = (range_.weight, rank, int(range_.form is not None), age)
            if rated > rating:
                best, rating = Streamed(media, range_.boundary, form, range_.parameter or UNNAMED[form]), rated
    return best


def _most_exact(ranges: Iterable[MediaRange]) -> MediaRange | None:
    """Return the most specific of the ranges of one stream: one that names a format goes before one that does not."""
    return max(ranges, key=lambda range_: (range_.form is not None, range_.weight), default=None)


def _subscription(ranges: list[MediaRange]) -> Streamed | None:
    """Return the stream of highest weight for subscriptions; of equal weights multipart."""
    reading = [range_ for range_ in ranges if range_.weight > 0 and (range_.subscribes or range_.type == EVENTS)]
    range_ = max(reading, key=lambda one: (one.weight, one.subscribes), default=None)
    return None if range_ is None else Streamed(range_.type, range_.boundary)
