"""The publishing port: the operations that a workflow needs of an upstream, independent of its dialect.

Each method makes one attempt: the workflow's steps own the retries. Only two kinds of requests are resent at once: one
whose token was rejected, with another token, and the later pages and highlights of a tray. Errors: `UpstreamError`
(transient: retry, after `retry_after` if it is named) or a final `PublishingError` that names the cause.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from gateway.domain.publishing import Account, Capabilities, Container, Published, Quota, Source, Story


class Publisher(Protocol):
    """A publishing upstream. `account` is an account's id, `key` an idempotency key that some dialects ignore."""

    @property
    def capabilities(self) -> Capabilities: ...

    async def accounts(self) -> Sequence[Account]:
        """Return the accounts of the gateway's tokens."""

    async def upload(self, account: str, source: Source, *, key: str) -> Container: ...

    async def container(self, account: str, id: str) -> Container: ...

    async def publish(self, account: str, medium_id: str, *, key: str) -> Story: ...

    async def create(
        self, account: str, title: str, media_ids: Sequence[str], cover_id: str | None, *, key: str
    ) -> Published: ...

    async def edit(
        self,
        account: str,
        pk: str,
        *,
        title: str | None,
        cover_id: str | None,
        add: Sequence[str],
        remove: Sequence[str],
        key: str,
    ) -> Published: ...

    async def delete(self, account: str, pk: str) -> None:
        """Delete the highlight. Idempotent: succeeds if the highlight no longer exists."""

    async def tray(self, account: str) -> Sequence[Published]:
        """Return the account's highlights, newest first, for reconciliation."""

    async def highlight(self, account: str, pk: str) -> Published | None:
        """Return the highlight, or None if it does not exist."""

    async def quota(self, account: str) -> Quota | None:
        """Return the publishing quota, or None if the dialect does not report it."""

    async def aclose(self) -> None: ...
