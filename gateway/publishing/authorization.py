"""Authorization of a workflow's effects: its client's rights are checked before each effect, as they may be revoked.

Reads need no right: so a workflow can always find out whether an effect that it started has happened.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gateway.domain.publishing import Account, Capabilities, Container, Published, Quota, Source, Story
from gateway.errors import Forbidden
from gateway.upstream.platforms.port import Publisher


class Permitted:
    """A `Publisher` with authorization. `permits` returns whether the client may publish for an account now.

    If it may not, `upload`, `publish`, `create`, `edit` and `delete` raise Forbidden, and send nothing.
    """

    def __init__(self, publisher: Publisher, permits: Callable[[str], bool]) -> None:
        self._publisher = publisher
        self._permits = permits

    @property
    def capabilities(self) -> Capabilities:
        return self._publisher.capabilities

    async def accounts(self) -> Sequence[Account]:
        return await self._publisher.accounts()

    async def upload(self, account: str, source: Source, *, key: str) -> Container:
        self._check(account)
        return await self._publisher.upload(account, source, key=key)

    async def container(self, account: str, id: str) -> Container:
        return await self._publisher.container(account, id)

    async def publish(self, account: str, medium_id: str, *, key: str) -> Story:
        self._check(account)
        return await self._publisher.publish(account, medium_id, key=key)

    async def create(
        self, account: str, title: str, media_ids: Sequence[str], cover_id: str | None, *, key: str
    ) -> Published:
        self._check(account)
        return await self._publisher.create(account, title, media_ids, cover_id, key=key)

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
    ) -> Published:
        self._check(account)
        return await self._publisher.edit(account, pk, title=title, cover_id=cover_id, add=add, remove=remove, key=key)

    async def delete(self, account: str, pk: str) -> None:
        self._check(account)
        await self._publisher.delete(account, pk)

    async def tray(self, account: str) -> Sequence[Published]:
        return await self._publisher.tray(account)

    async def highlight(self, account: str, pk: str) -> Published | None:
        return await self._publisher.highlight(account, pk)

    async def quota(self, account: str) -> Quota | None:
        return await self._publisher.quota(account)

    async def aclose(self) -> None:
        await self._publisher.aclose()

    def _check(self, account: str) -> None:
        if not self._permits(account):
            raise withdrawn(account)


def withdrawn(account: str) -> Forbidden:
    """Return the error for a client whose right to publish for the account was revoked."""
    return Forbidden(
        f"This client may not publish for the account {account} any more: retry the flow when it may again.",
        right="write",
        account=account,
    )
