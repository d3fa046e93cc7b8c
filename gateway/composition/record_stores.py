"""The stores of records by name, with their files. They are imported when needed: most commands need no database."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.durable.record_store import RecordStore

FILES: Mapping[str, str] = {
    "webhooks": "webhooks.sqlite3",
    "audit": "audit.sqlite3",
    "erasures": "erasures.sqlite3",
}


def record_store(name: str) -> RecordStore:
    """Return the store of one of the names in FILES."""
    from gateway.audit.audit_store import AUDIT
    from gateway.erasure.request_store import ERASURES
    from gateway.webhooks.inbox_store import INBOX

    return {"webhooks": INBOX, "audit": AUDIT, "erasures": ERASURES}[name]
