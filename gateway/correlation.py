"""The correlation of a request: the ids by which its log lines, its response and its errors are found.

The request id comes from the client's `x-request-id` if that is well-formed, and is made otherwise. The trace id is
that of a valid `traceparent` (https://www.w3.org/TR/trace-context/).
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import count
from typing import Self

REQUEST_ID, TRACEPARENT = b"x-request-id", b"traceparent"
WELL_FORMED = re.compile(rb"[A-Za-z0-9._-]{1,64}")
# Later versions may append fields to those of version 00.
PARENT = re.compile(rb"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-[!-~]*)?")
LONGEST_PARENT = 512  # bytes


@dataclass(frozen=True, slots=True)
class Correlation:
    """The ids of a request, or of one of the operations of a connection. `trace` is None without a `traceparent`."""

    request: str
    trace: str | None = None

    def of_operation(self, serial: int) -> Self:
        """Return the correlation of an operation of a connection that runs many."""
        return type(self)(f"{self.request}.{serial}", self.trace)


CURRENT: ContextVar[Correlation | None] = ContextVar("correlation", default=None)
"""The correlation of the request that is being handled; None outside of requests."""


@contextmanager
def within(correlation: Correlation) -> Iterator[None]:
    """Make `correlation` the current one while the context is open."""
    token = CURRENT.set(correlation)
    try:
        yield
    finally:
        CURRENT.reset(token)


class RequestIds:
    """The request ids of one process: a random prefix and a serial number."""

    def __init__(self) -> None:
        self._prefix = secrets.token_hex(6).encode() + b"-"
        self._serials = count(1)

    def make(self) -> bytes:
        return self._prefix + b"%x" % next(self._serials)

    def of(self, given: bytes | None) -> bytes:
        """Return the client's id if it is well-formed, and otherwise a new one."""
        return given if given is not None and WELL_FORMED.fullmatch(given) else self.make()

    def correlation(self, headers: Iterable[tuple[bytes, bytes]]) -> Correlation:
        """Return the correlation of a request with these headers. An id that is sent twice is not used."""
        ids, parents = [], []
        for name, value in headers:
            if name == REQUEST_ID:
                ids.append(value)
            elif name == TRACEPARENT:
                parents.append(value)
        request = self.of(ids[0] if len(ids) == 1 else None)
        return Correlation(request.decode(), trace_in(parents[0]) if len(parents) == 1 else None)


def trace_in(parent: bytes) -> str | None:
    """Return the trace id of a `traceparent`, or None if it is invalid."""
    found = PARENT.fullmatch(parent) if len(parent) <= LONGEST_PARENT else None
    if found is None or (found[1] == b"00" and found[3] is not None):
        return None
    return found[2].decode()
