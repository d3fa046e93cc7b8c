"""The publishing port: the operations that a workflow needs of an upstream, independent of its dialect.

A dialect is a `Publisher`, and implements the protocols of what it can do besides; `isinstance` says which. A write
names those that it needs, and is refused before it begins where one is missing.

Each method makes one attempt: the workflow's steps own the retries. Only two kinds of requests are resent at once: one
whose token was rejected, with another token, and the later pages and highlights of a tray. Errors: `UpstreamError`
(transient: retry, after `retry_after` if it is named) or a final `PublishingError` that names the cause.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from gateway.domain.publishing import Account, Container, HighlightChanges, Published, Quota, Source, Story, Traits


class Publisher(Protocol):
    """A publishing upstream. `account` is an account's id, `key` an idempotency key that some dialects ignore."""

    @property
    def traits(self) -> Traits: ...

    async def accounts(self) -> Sequence[Account]:
        """Return the accounts of the gateway's tokens."""

    async def aclose(self) -> None: ...


@runtime_checkable
class MediaUploads(Publisher, Protocol):
    """MediaUploads of media. Without `Stories`, an upload publishes the story as well."""

    async def upload(self, account: str, source: Source, *, key: str) -> Container: ...

    async def container(self, account: str, id: str) -> Container: ...


@runtime_checkable
class Stories(Publisher, Protocol):
    """Publication of an uploaded medium as a story."""

    async def publish(self, account: str, medium_id: str, *, key: str) -> Story: ...


@runtime_checkable
class Quotas(Publisher, Protocol):
    """The publishing quota of an account."""

    async def quota(self, account: str) -> Quota: ...


@runtime_checkable
class Highlights(Publisher, Protocol):
    """Highlights: reads are for reconciliation."""

    async def create(
        self, account: str, title: str, media_ids: Sequence[str], cover_id: str | None, *, key: str
    ) -> Published: ...

    async def update(self, account: str, pk: str, changes: HighlightChanges, *, key: str) -> Published: ...

    async def delete(self, account: str, pk: str) -> None:
        """Delete the highlight. Idempotent: succeeds if the highlight no longer exists."""

    async def tray(self, account: str) -> Sequence[Published]:
        """Return the account's highlights, newest first."""

    async def highlight(self, account: str, pk: str) -> Published | None:
        """Return the highlight, or None if it does not exist."""
