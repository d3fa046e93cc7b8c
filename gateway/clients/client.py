"""The client model: an identified caller with its rights and limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.domain.rights import CONNECTING, WRITING, Right
from gateway.domain.window import Window

FINGERPRINT = 12  # hex digits
# Beside a client of the highest weight, one of the least still has a request in some ten thousand.
LEAST_WEIGHT, MOST_WEIGHT = 0.01, 100


@dataclass(frozen=True, slots=True)
class Key:
    """A client's key, stored only as its SHA-256.

    Times are Unix seconds; None: unknown (created) or never (expires).
    """

    digest: bytes = field(repr=False)
    created: float | None = None
    expires: float | None = None

    @property
    def fingerprint(self) -> str:
        """A short id of the key for people. It grants no access."""
        return self.digest.hex()[:FINGERPRINT]


@dataclass(frozen=True, slots=True)
class Client:
    """A caller. `ceiling` is in billed requests per operation, `allowance` per window.

    None as ceiling and a missing window mean no limit. `id` survives a rename: workflows, idempotency keys, spending
    and connection slots are recorded by id.
    """

    name: str
    id: str
    rights: frozenset[Right]
    ceiling: int | None
    allowance: Mapping[Window, int] = field(hash=False)
    key: Key | None
    """The key it authenticated with; None for the local client, which has no key."""
    accounts: frozenset[str] | None = None
    """Ids of the accounts it may write for; None: all accounts of the gateway."""
    is_disabled: bool = False
    weight: float = 1.0
    """The weight of its share of an upstream's rate, where requests of several clients are queued."""

    def may(self, right: Right, account: str) -> bool:
        """Return whether the client has the right, for this account."""
        return right in self.rights and self._may_use(account)

    def may_see(self, account: str) -> bool:
        """Return whether there is a write that the client may do for the account, or it may connect the account."""
        return not (WRITING | CONNECTING).isdisjoint(self.rights) and self._may_use(account)

    def _may_use(self, account: str) -> bool:
        return not self.is_disabled and (self.accounts is None or account in self.accounts)
