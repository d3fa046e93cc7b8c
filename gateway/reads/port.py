"""The port of a read API: calls with their outcomes, and the account's balance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Protocol

import msgspec

from gateway.errors import GatewayError
from gateway.reads.endpoints import Call, Endpoint, Endpoints
from gateway.reads.facts import Value

MOST_REQUESTS = 2**31 - 1  # in a balance: the maximum of a GraphQL Int


@dataclass(frozen=True, slots=True)
class ReadOutcome:
    """The outcome of a call. Errors are values, because each was charged or not.

    `charged` is in billed requests and, if `in_doubt`, an estimate on the high side. `body` is the JSON that `value` is
    decoded from; with a problem both are empty, unless it is Renamed. `seconds` is the duration of the call, of which
    its requests `waited` so long for their turn; `attempts` is the number of requests sent. `is_shared`: another
    instance has made the call, and pays for it.
    """

    call: Call
    value: Value | None
    body: bytes
    problem: GatewayError | None
    charged: int
    in_doubt: bool
    seconds: float
    attempts: int
    waited: float = 0.0
    is_shared: bool = False

    @property
    def answer(self) -> Value | GatewayError:
        """The value, or the problem if there is none."""
        if self.problem is not None:
            return self.problem
        assert self.value is not None, "an outcome has a value or a problem"
        return self.value


class Balance(msgspec.Struct, frozen=True):
    """The account's balance: billed requests left, its limit in requests a second, and the value in money.

    Only `requests` is required; the others are None if the response lacks them.
    """

    requests: Annotated[int, msgspec.Meta(ge=-MOST_REQUESTS, le=MOST_REQUESTS)]
    rate: int | None = None
    currency: str | None = None
    amount: float | None = None


class ReadApi(Protocol):
    """A read API. `endpoints` are the rows of its calls."""

    @property
    def endpoints(self) -> Endpoints[Endpoint]: ...

    async def start(self) -> None:
        """Prepare for calls. Never fails."""

    async def fetch(self, call: Call) -> ReadOutcome:
        """Make `call` and return its outcome. Raises only CancelledError."""

    async def balance(self) -> Balance:
        """Return the account's balance, free of charge. Raises UpstreamError."""

    async def aclose(self) -> None: ...


class SharedRate(Protocol):
    """The rate of a read API where several processes share it: one bucket of tokens for all of their requests."""

    @property
    def processes(self) -> int:
        """The number of processes, as it was last known."""

    async def reserve(self, rate: float) -> float | None:
        """Take a token of so many a second. Return the seconds until it is due; None if the bucket cannot be reached.

        Tokens are due in the order in which they were taken. Raises only CancelledError.
        """
