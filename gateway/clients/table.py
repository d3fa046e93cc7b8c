"""The current clients: the last valid version of the clients file."""

from __future__ import annotations

import hashlib
import hmac
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Self, TypeAlias

from gateway.clients.client import Client
from gateway.clients.entries import parse, read
from gateway.clock import Clock, SystemClock
from gateway.domain.rights import Right
from gateway.errors import Unauthenticated

Version: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Table:
    """One version of the file. `keyed` contains each client once for each of its keys."""

    number: int
    keyed: tuple[Client, ...]
    by_digest: dict[bytes, Client] = field(default_factory=dict)
    expiries: tuple[float, ...] = ()

    @classmethod
    def of(cls, path: Path, number: int) -> Self:
        """Load the file. Raise ClientsFileError."""
        keyed = tuple(client for entry in parse(read(path), path) for client in entry.clients())
        keys = [(client, client.key) for client in keyed if client.key is not None]
        expiries = sorted(key.expires for _, key in keys if key.expires is not None)
        return cls(number, keyed, {key.digest: client for client, key in keys}, tuple(expiries))


class Clients:
    """The current table of clients. A thread may reload it: each access uses one version of the file."""

    def __init__(self, table: Table, *, keyless: Client | None, path: Path | None, clock: Clock) -> None:
        self._table = table
        self._keyless = keyless
        self._path = path
        self._clock = clock
        self._used: dict[str, float] = {}

    @classmethod
    def local(cls) -> Self:
        """Return one client without a key and without limits, for a gateway that only this machine can reach.

        It has all rights except `force`: skipping the privacy check must be an explicit choice.
        """
        client = Client(
            "local", "local", frozenset(Right) - {Right.FORCE, Right.ERASE}, ceiling=None, allowance={}, key=None
        )
        return cls(Table(0, ()), keyless=client, path=None, clock=SystemClock())

    @classmethod
    def load(cls, path: Path, clock: Clock | None = None) -> Self:
        """Load the file. Raise ClientsFileError."""
        return cls(Table.of(path, 0), keyless=None, path=path, clock=clock or SystemClock())

    @property
    def version(self) -> Version:
        """A number that changes when the file is reloaded or a key expires.

        While it is unchanged, a key identifies the same client with the same terms.
        """
        table = self._table
        return table.number, bisect_right(table.expiries, self._clock.now()) if table.expiries else 0

    @property
    def everyone(self) -> Iterable[Client]:
        """Each client at least once, including those with expired keys."""
        return self._table.keyed if self._keyless is None else (self._keyless,)

    def identify(self, key: str | None) -> Client:
        """Return the client with `key`, or raise Unauthenticated. The time taken does not depend on the result."""
        if self._keyless is not None:
            return self._keyless
        if not key:
            raise Unauthenticated("Send your key as `Authorization: Bearer KEY` or as `x-api-key: KEY`.")
        digest = digest_of(key)
        found = [
            client for client in self._table.keyed if client.key and hmac.compare_digest(client.key.digest, digest)
        ]
        if not found:
            raise Unauthenticated("Unknown key: check it, or ask the operator of the gateway for another one.")
        self._check(found[0])
        self.note_use(found[0])
        return found[0]

    def confirm(self, client: Client) -> Client:
        """Return the current state of `client`, for work it began earlier.

        Raise Unauthenticated if its key is no longer valid.
        """
        if client.key is None:
            return client
        now = self._table.by_digest.get(client.key.digest)
        if now is None or now.id != client.id:
            raise Unauthenticated("This key was revoked: ask the operator of the gateway for another one.")
        self._check(now)
        return now

    def note_use(self, client: Client) -> None:
        if client.key is not None:
            self._used[client.key.fingerprint] = self._clock.now()

    def take_uses(self) -> dict[str, float]:
        """Return and clear the keys' times of last use since the previous call, in Unix seconds, by fingerprint."""
        used, self._used = self._used, {}
        return used

    def reload(self) -> None:
        """Reload the file. Raise ClientsFileError, and then keep the current clients."""
        if self._path is not None:
            self._table = Table.of(self._path, self._table.number + 1)

    def _check(self, client: Client) -> None:
        """Raise Unauthenticated. The reason is not secret to a caller with the right key."""
        if client.is_disabled:
            raise Unauthenticated("This client is disabled: contact the operator of the gateway.")
        expires = None if client.key is None else client.key.expires
        if expires is not None and self._clock.now() >= expires:
            moment = datetime.fromtimestamp(expires, UTC).isoformat()
            raise Unauthenticated(
                f"This key expired at {moment}: use its replacement, or ask the operator of the gateway.",
                expiredAt=moment,
            )


def digest_of(key: str) -> bytes:
    # Keys from JSON may contain unpaired surrogates: such a key is unknown, not an error.
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
