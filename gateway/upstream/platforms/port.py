"""The port of publishing: what a flow asks of the upstream, in whichever dialect it speaks.

Each method makes one attempt: the flow's steps own the retries. Two things alone are sent again at once: what was
refused for its token, with another, and, while a tray is read, its later pages and highlights. Errors: `UpstreamError`
(transient: try again, after `retry_after` where it is named) or a final `PublishingError` that names what is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from gateway.domain.publishing import Account, Capabilities, Container, Published, Quota, Source, Story


class Publisher(Protocol):
    """`account` is an account's id, `key` an idempotency key that a dialect without idempotency leaves unused."""

    @property
    def capabilities(self) -> Capabilities: ...

    async def accounts(self) -> Sequence[Account]:
        """Those whose tokens the gateway holds."""

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
        """Also where it is gone already."""

    async def tray(self, account: str) -> Sequence[Published]:
        """Newest first: what a reconciling read uses."""

    async def highlight(self, account: str, pk: str) -> Published | None:
        """None where there is none."""

    async def quota(self, account: str) -> Quota | None:
        """None where the dialect does not tell."""

    async def aclose(self) -> None: ...
