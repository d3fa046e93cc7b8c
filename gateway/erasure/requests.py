"""Requests about a person's data, as they are recorded until they are done."""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

# Without personal data: the page of a request can be looked at for so long after it was finished.
RETAINED_SECONDS = 90 * 86_400.0


class RequestKind(enum.Enum):
    """ERASURE forgets all about a person; DEAUTHORIZATION ends what the gateway does for an account."""

    ERASURE = "erasure"
    DEAUTHORIZATION = "deauthorization"


class RequestsUnavailable(Exception):
    """The store of the requests cannot be read or written now."""


class NotYet(Exception):
    """A step cannot be done now, for a reason that will pass; it is repeated.

    The message is for the operator; without one nobody has to do anything.
    """


@dataclass(frozen=True, slots=True)
class Person:
    """All ids and user names of a person that the gateway knows."""

    ids: tuple[str, ...]
    names: tuple[str, ...] = ()

    def known_as(self, *, ids: tuple[str, ...] = (), names: tuple[str, ...] = ()) -> Person:
        """Return the person with more ids and names."""
        return Person(tuple(dict.fromkeys(self.ids + ids)), tuple(dict.fromkeys(self.names + names)))


@dataclass(frozen=True, slots=True)
class DataRequest:
    """A request under its confirmation `code`. `person` is None once it is done. Times are Unix seconds.

    `steps` are the names of those that are done. `issued_at` is when the platform signed the request, if it did.
    """

    number: int
    code: str
    kind: RequestKind
    person: Person | None
    pseudonym: str
    actor: str
    requested_at: float
    finished_at: float | None
    steps: tuple[str, ...]
    issued_at: float | None = None

    def after(self, step: str, person: Person | None) -> DataRequest:
        return replace(self, steps=(*self.steps, step), person=person)


@dataclass(frozen=True, slots=True)
class RequestStep:
    """A step of a request, which may be repeated.

    `act` returns the person, as it is known after the step. It raises NotYet, RequestsUnavailable, and the errors of
    the stores that it works on.
    """

    name: str
    act: Callable[[DataRequest, Person], Awaitable[Person]]
