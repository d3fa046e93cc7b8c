"""A caller of the gateway: what it may do, and what it may spend."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.domain.window import Window

FINGERPRINT = 12  # hex digits


class Right(enum.Enum):
    """What a client may do besides reading its own allowance."""

    READ = "read"
    WRITE = "write"
    FORCE = "force"
    BALANCE = "balance"
    INTROSPECT = "introspect"


@dataclass(frozen=True, slots=True)
class Key:
    """One of a client's keys, of which the SHA-256 alone is known. Times are Unix seconds; None: not told, or never."""

    digest: bytes = field(repr=False)
    created: float | None = None
    expires: float | None = None

    @property
    def fingerprint(self) -> str:
        """By which people tell keys apart: nothing can be opened with it."""
        return self.digest.hex()[:FINGERPRINT]


@dataclass(frozen=True, slots=True)
class Client:
    """A caller. `ceiling` is in billed requests per operation, `allowance` per window; None and no window: no limit.

    `id` outlives its name: flows, idempotency keys, spending and places are those of the id.
    """

    name: str
    id: str
    rights: frozenset[Right]
    ceiling: int | None
    allowance: Mapping[Window, int] = field(hash=False)
    key: Key | None
    """The one that it showed; None for the one local client, which has no key."""
    accounts: frozenset[str] | None = None
    """Ids of the accounts it may publish for; None: all that the gateway holds."""
    is_disabled: bool = False

    def may_publish_for(self, account: str) -> bool:
        return (
            not self.is_disabled and Right.WRITE in self.rights and (self.accounts is None or account in self.accounts)
        )
