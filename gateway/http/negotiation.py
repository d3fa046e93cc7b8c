"""Which representation the client wants: content negotiation of RFC 9110 for what GraphQL over HTTP offers.

A range with a parameter that is not known here, or with an unknown value of a known one, asks for a representation that
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
STREAMS = (EVENTS, MULTIPART)  # of equals the last is taken: parts are what clients have read longer

CHARSETS = ("utf-8", "utf8")
# Characters of all `Accept` together: browsers and clients of GraphQL send two hundred at most.
LONGEST_ACCEPTED = 1_000
BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]")  # RFC 2046, section 5.1.1
SUBSCRIPTION = ("subscriptionspec", "1.0")


class Media(enum.Enum):
    """The forms of a single answer."""

    GRAPHQL = GRAPHQL
    JSON = JSON


class Incremental(enum.Enum):
    """The forms of an answer in parts, oldest first; of equals the newest is taken."""

    V0_1 = "v0.1"
    """Each part names the path of its data: https://specs.apollo.dev/incremental/v0.1/."""
    V0_2 = "v0.2"
    """Each part names the id of what was announced as pending: https://specs.apollo.dev/incremental/v0.2/."""


# How clients name the forms.
FORMS = {
    ("deferspec", "20220824"): ("deferSpec=20220824", Incremental.V0_1),
    ("incrementalspec", "v0.1"): ("incrementalSpec=v0.1", Incremental.V0_1),
    ("incrementalspec", "v0.2"): ("incrementalSpec=v0.2", Incremental.V0_2),
    ("incrementaldeliveryspec", "3283f8a"): ("incrementalDeliverySpec=3283f8a", Incremental.V0_2),
}
UNNAMED = {Incremental.V0_1: "incrementalSpec=v0.1", Incremental.V0_2: "incrementalSpec=v0.2"}


@dataclass(frozen=True, slots=True)
class Streamed:
    """A stream that the client reads: its media type, and the boundary between its parts if the client names one.

    `form` is that of an answer in parts, and `parameter` how the client names it.
    """

    media: str
    boundary: str | None = None
    form: Incremental = Incremental.V0_2
    parameter: str = ""


@dataclass(frozen=True, slots=True)
class Accepted:
    """What the client can read.

    `single` is None where it reads no single answer, or would rather have events; `incremental` is how it reads answers
    in parts, and `subscription` the events of a subscription. `page` says that it shows HTML. Streams must be named: a
    wildcard means a single answer.
    """

    single: Media | None
    page: bool
    incremental: Streamed | None = None
    subscription: Streamed | None = None

    @property
    def nothing(self) -> bool:
        """Whether no form that there is will do."""
        return self.single is None and self.incremental is None and self.subscription is None


@dataclass(frozen=True, slots=True)
class Range:
    """One element of an Accept header, all of whose parameters are understood.

    `parameter` and `form` are those of an answer in parts, None where none is named; `subscribes`: it names that of a
    subscription.
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
        """None for what is not spoken here."""
        parameters = dict(preference.parameters)
        pairs = {(name, value.lower()) for name, value in preference.parameters}
        forms = [FORMS[pair] for pair in pairs if pair in FORMS]
        if len(parameters) < len(preference.parameters) or len(forms) > 1 or not pairs <= _spoken(preference):
            return None
        parameter, form = forms[0] if forms else ("", None)
        boundary = parameters.get("boundary")
        return cls(preference.name, preference.weight, boundary, parameter, form, SUBSCRIPTION in pairs)

    def carries(self, form: Incremental) -> bool:
        """Whether an answer in parts of this form matches."""
        return self.form is form or (self.form is None and not self.subscribes)


def _spoken(preference: Preference) -> set[tuple[str, str]]:
    """The parameters that a range of this type may have, with their values."""
    spoken = {("charset", charset) for charset in CHARSETS}
    if preference.name in STREAMS:
        spoken |= FORMS.keys()
    if preference.name == MULTIPART:
        spoken.add(SUBSCRIPTION)
        spoken |= {
            (name, value.lower())
            for name, value in preference.parameters
            if name == "boundary" and BOUNDARY.fullmatch(value)
        }
    return spoken


def negotiate(accept: str | None) -> Accepted:
    """Without a header, and where any JSON would do, the answer is `application/json`: what old clients expect.

    A header that is longer than LONGEST_ACCEPTED is none: to look at thousands of ranges takes long, and nobody has
    shown a key yet.
    """
    is_read = accept is not None and len(accept) <= LONGEST_ACCEPTED and accept.strip() != ""
    ranges = list(_ranges(accept)) if accept is not None and is_read else [Range("*/*", 1.0)]
    events = max((range_.weight for range_ in ranges if range_.type == EVENTS), default=0.0)
    page = any(range_.type == HTML and range_.weight > 0 for range_ in ranges)
    return Accepted(_single(ranges, least=events), page, _incremental(ranges), _subscription(ranges))


def _ranges(header: str) -> Iterator[Range]:
    return (range_ for preference in preferences(header) if (range_ := Range.of(preference)) is not None)


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


def _incremental(ranges: list[Range]) -> Streamed | None:
    """The heaviest; of equals parts rather than events, and the form that is named, then the newest."""
    best, rating = None, (0.0, 0, 0, 0)
    for place, media in enumerate(STREAMS):
        for age, form in enumerate(Incremental):
            range_ = _most_exact(range_ for range_ in ranges if range_.type == media and range_.carries(form))
            if range_ is None or range_.weight == 0:
                continue
            rated = (range_.weight, place, int(range_.form is not None), age)
            if rated > rating:
                best, rating = Streamed(media, range_.boundary, form, range_.parameter or UNNAMED[form]), rated
    return best


def _most_exact(ranges: Iterable[Range]) -> Range | None:
    """Of the ranges of one stream: one that names a form holds more for it than one that does not."""
    return max(ranges, key=lambda range_: (range_.form is not None, range_.weight), default=None)


def _subscription(ranges: list[Range]) -> Streamed | None:
    """The heaviest; of equals parts rather than events."""
    reading = [range_ for range_ in ranges if range_.weight > 0 and (range_.subscribes or range_.type == EVENTS)]
    range_ = max(reading, key=lambda one: (one.weight, one.subscribes), default=None)
    return None if range_ is None else Streamed(range_.type, range_.boundary)
