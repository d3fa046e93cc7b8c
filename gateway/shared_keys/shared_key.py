"""The keys that gateways share, and the errors about them."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from gateway.errors import Unusable

REMEDY = "docs/operations/keys.md#several-hosts"


@dataclass(frozen=True, slots=True)
class SharedKey:
    """A key by its name in the database. `use` is what it is for, `file` its name in a data directory."""

    name: str
    use: str
    setting: str
    file: str


FLOWS = SharedKey("flows", "the flows", "GATEWAY_FLOWS_KEY", "flows.key")
MEDIA = SharedKey("media", "media links", "GATEWAY_MEDIA_SECRET", "media.key")
CURSORS = SharedKey("cursors", "list cursors", "GATEWAY_CURSOR_SECRET", "cursors.key")
AUDIT = SharedKey("audit", "the audit trail", "GATEWAY_AUDIT_KEY", "audit.key")
SHARED = (FLOWS, MEDIA, CURSORS, AUDIT)
# A file in a data directory may be that of a SQLite store of before, whose key stays as it is.
OF_STORES = (FLOWS, AUDIT)


class KeySource(enum.Enum):
    """The place of a key that is used."""

    SETTING = "its setting"
    DATABASE = "the database"
    FILE = "its file"


@dataclass(frozen=True, slots=True)
class UsedKey:
    """A key as one gateway uses it."""

    key: SharedKey
    value: bytes
    source: KeySource


class KeysUnavailable(Exception):
    """The database of the keys cannot be reached, or does not answer."""


class KeysDiffer(Unusable):
    """A key of this gateway is not that of the others."""

    @classmethod
    def from_host(cls, key: SharedKey, host: str) -> KeysDiffer:
        return cls(
            f"The key of {key.use} differs from that of the gateway on {host}: give all gateways the same "
            f"{key.setting}, or none of them ({REMEDY})."
        )

    @classmethod
    def from_file(cls, key: SharedKey, path: object) -> KeysDiffer:
        return cls(
            f"The key of {key.use} in {path} differs from that in the database, which the other gateways use: remove "
            f"the file, or give all gateways the same {key.setting} ({REMEDY})."
        )
