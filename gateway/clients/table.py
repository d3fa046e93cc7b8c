"""Who may ask, just now: the clients file, as it was read last."""

from __future__ import annotations

import hashlib
import hmac
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Self, TypeAlias

from gateway.clients.client import Client, Right
from gateway.clients.entries import parse, read
from gateway.clock import Clock, SystemClock
from gateway.errors import Unauthenticated

Version: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Table:
    """One reading of the file. `keyed` has each client once for each of its keys."""

    number: int
    keyed: tuple[Client, ...]
    by_digest: dict[bytes, Client] = field(default_factory=dict)
    expiries: tuple[float, ...] = ()

    @classmethod
    def of(cls, path: Path, number: int) -> Self:
        """Raises ClientsFileError."""
        keyed = tuple(client for entry in parse(read(path), path) for client in entry.clients())
        keys = [(client, client.key) for client in keyed if client.key is not None]
        expiries = sorted(key.expires for _, key in keys if key.expires is not None)
        return cls(number, keyed, {key.digest: client for client, key in keys}, tuple(expiries))


class Clients:
    """The table of those who may ask. It is read again in a thread: each look at it takes one reading."""

    def __init__(self, table: Table, *, keyless: Client | None, path: Path | None, clock: Clock) -> None:
        self._table = table
        self._keyless = keyless
        self._path = path
        self._clock = clock
        self._used: dict[str, float] = {}

    @classmethod
    def local(cls) -> Self:
        """One client without a key and without limits, for a gateway that only this machine reaches.

        It has all rights but to force: to skip the privacy check is to be chosen, not to be had by default.
        """
        client = Client("local", "local", frozenset(Right) - {Right.FORCE}, ceiling=None, allowance={}, key=None)
        return cls(Table(0, ()), keyless=client, path=None, clock=SystemClock())

    @classmethod
    def load(cls, path: Path, clock: Clock | None = None) -> Self:
        """Raises ClientsFileError."""
        return cls(Table.of(path, 0), keyless=None, path=path, clock=clock or SystemClock())

    @property
    def version(self) -> Version:
        """Another one when the file is read again or a key expires: while it stays, a key is the same client's, with
        the same terms."""
        table = self._table
        return table.number, bisect_right(table.expiries, self._clock.now()) if table.expiries else 0

    @property
    def everyone(self) -> Iterable[Client]:
        """Each client at least once, whatever has become of its keys."""
        return self._table.keyed if self._keyless is None else (self._keyless,)

    def identify(self, key: str | None) -> Client:
        """The client that `key` belongs to; raises Unauthenticated. Takes the same time whichever it is, or none."""
        if self._keyless is not None:
            return self._keyless
        if not key:
            raise Unauthenticated("Send your key as `Authorization: Bearer KEY` or as `x-api-key: KEY`.")
        digest = digest_of(key)
        found = [
            client for client in self._table.keyed if client.key and hmac.compare_digest(client.key.digest, digest)
        ]
        if not found:
            raise Unauthenticated("This key is not known: check it, or ask the gateway's operator for another one.")
        self._check(found[0])
        self.note_use(found[0])
        return found[0]

    def confirm(self, client: Client) -> Client:
        """As it is now, for what it began earlier. Raises Unauthenticated where the key it showed is good no more."""
        if client.key is None:
            return client
        now = self._table.by_digest.get(client.key.digest)
        if now is None or now.id != client.id:
            raise Unauthenticated("This key was withdrawn: ask the gateway's operator for another one.")
        self._check(now)
        return now

    def note_use(self, client: Client) -> None:
        if client.key is not None:
            self._used[client.key.fingerprint] = self._clock.now()

    def take_uses(self) -> dict[str, float]:
        """When keys were used since this was asked last, in Unix seconds, by their fingerprints."""
        used, self._used = self._used, {}
        return used

    def reload(self) -> None:
        """Reads the file again. Raises ClientsFileError, and then keeps the clients it had."""
        if self._path is not None:
            self._table = Table.of(self._path, self._table.number + 1)

    def _check(self, client: Client) -> None:
        """Raises Unauthenticated. Who shows the right key may know what has become of it."""
        if client.is_disabled:
            raise Unauthenticated("This client is disabled: ask the gateway's operator.")
        expires = None if client.key is None else client.key.expires
        if expires is not None and self._clock.now() >= expires:
            moment = datetime.fromtimestamp(expires, UTC).isoformat()
            raise Unauthenticated(
                f"This key expired at {moment}: use the one that replaced it, or ask the gateway's operator.",
                expiredAt=moment,
            )


def digest_of(key: str) -> bytes:
    # A key may come out of JSON, where half a surrogate pair is allowed: it is unknown, not an error.
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
