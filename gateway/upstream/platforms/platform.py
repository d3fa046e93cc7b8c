"""The client of the Platform API: media to containers, containers to stories, stories to a highlight.

Each write call has its own idempotency key.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec

from gateway.domain.ids import pk_of
from gateway.domain.publishing import (
    Account,
    Container,
    ContainerState,
    HighlightChanges,
    LinkedMedium,
    Published,
    Quota,
    Source,
    Story,
    Traits,
)
from gateway.errors import (
    AccountDisconnected,
    ContainerExpired,
    NotFound,
    PermissionMissing,
    PublishingError,
    UpstreamInvalidAnswer,
    UpstreamUnavailable,
)
from gateway.upstream.client.exchange import Reply
from gateway.upstream.client.lenient_decoding import UndecodableResponse
from gateway.upstream.platforms.authorized import AuthenticatedClient
from gateway.upstream.platforms.client import PublishingClient, RequestSpec
from gateway.upstream.platforms.dto import (
    LONGEST_CURSOR,
    MOST_HIGHLIGHTS,
    AccountWire,
    ContainerWire,
    HighlightWire,
    PageWire,
    PublicationWire,
    QuotaWire,
    TokenWire,
    named,
    unix,
)
from gateway.upstream.platforms.platform_errors import NotReady, flaw_of

T = TypeVar("T")

TRAITS = Traits(idempotent=True)
# Pages of a tray: more would be a loop upstream.
MOST_PAGES = 100
# Attempts of a call that continues a longer read: a single failure must not discard the pages already read, or a long
# tray would rarely be read completely while the platform is unstable.
MAX_READ_ATTEMPTS = 3

ACCOUNT = msgspec.json.Decoder(AccountWire)
TOKEN = msgspec.json.Decoder(TokenWire)
CONTAINER = msgspec.json.Decoder(ContainerWire)
PUBLICATION = msgspec.json.Decoder(PublicationWire)
HIGHLIGHT = msgspec.json.Decoder(HighlightWire)
TRAY: msgspec.json.Decoder[tuple[HighlightWire, ...] | PageWire] = msgspec.json.Decoder(
    tuple[HighlightWire, ...] | PageWire
)
QUOTA = msgspec.json.Decoder(QuotaWire)


async def owner(client: PublishingClient, token: str) -> Account:
    """Return the account of a token. Raises UpstreamError, AccountDisconnected and PermissionMissing."""
    spec = RequestSpec("GET", "/users/self", "platform.account", "the account", bearer(token))
    try:
        return await client.fetch("", spec, ACCOUNT, lambda wire, _: wire.account())
    except (AccountDisconnected, PermissionMissing):
        raise
    except (PublishingError, NotFound, NotReady) as error:
        # Another call makes this look-up, and would take this error for one about its own medium or highlight.
        raise UpstreamInvalidAnswer("The platform does not tell whose token it is.") from error


async def refresh(client: PublishingClient, account: str, token: str) -> str:
    """Return a token that replaces `token`, by the API's `ig_refresh_token`: it must be a day old and not expired.

    Raises UpstreamError, PublishingError and NotFound.
    """
    query = {"grant_type": "ig_refresh_token", "access_token": token}
    spec = RequestSpec(
        "GET", "/refresh_access_token", "platform.refresh", "the token's refreshing", bearer(token), query=query
    )
    try:
        return await client.fetch(account, spec, TOKEN, lambda wire, _: wire.token())
    except NotReady as error:
        raise UpstreamInvalidAnswer("The platform does not say whether there is another token.") from error


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


class Platform:
    """A Publisher over the Platform API, with uploads, stories, quotas and highlights."""

    traits = TRAITS

    def __init__(self, client: AuthenticatedClient) -> None:
        self._client = client

    async def accounts(self) -> Sequence[Account]:
        return await self._client.accounts()

    async def upload(self, account: str, source: Source, *, key: str) -> Container:
        kind = {"media_type": source.kind.value}
        spec = _spec("POST", "/media/upload", "upload", "the upload", key=key)
        if isinstance(source, LinkedMedium):
            spec = replace(spec, json={"media_url": source.url, **kind})
        else:
            spec = replace(spec, file=source, fields=kind)
        return await self._client.fetch(account, spec, CONTAINER, _container)

    async def container(self, account: str, id: str) -> Container:
        spec = _spec("GET", f"/media/{_in_path(id)}", "container", "the uploaded medium")
        try:
            return await self._client.fetch(account, spec, CONTAINER, lambda wire, reply: _state(id, wire, reply))
        except NotReady as error:
            return Container(id, ContainerState.IN_PROGRESS, error.retry_after)
        except NotFound as error:
            raise _container_expired() from error

    async def publish(self, account: str, medium_id: str, *, key: str) -> Story:
        target = f"/media/{_in_path(medium_id)}/stories"
        spec = _spec("POST", target, "publish", "the publication", key=key)

        def read(wire: PublicationWire, reply: Reply) -> Story:
            # A highlight accepts stories as well as media, and lists its content by the pks of its stories.
            return Story(str(wire.id), pk_of(str(wire.id)), unix(wire.expires_at))

        try:
            return await self._client.fetch(account, spec, PUBLICATION, read)
        except NotFound as error:
            raise _container_expired() from error

    async def create(
        self, account: str, title: str, media_ids: Sequence[str], cover_id: str | None, *, key: str
    ) -> Published:
        body = _without_none(title=title, cover_media_id=cover_id, media_ids=list(media_ids))
        target = f"/users/{_in_path(account)}/highlights"
        spec = _spec("POST", target, "create", "the new highlight", key=key, json=body)
        return await self._client.fetch(account, spec, HIGHLIGHT, _highlight)

    async def update(self, account: str, pk: str, changes: HighlightChanges, *, key: str) -> Published:
        body = _without_none(
            title=changes.title,
            cover_media_id=changes.cover_id,
            added_media_ids=list(changes.add) or None,
            removed_media_ids=list(changes.remove) or None,
        )
        target = f"/highlights/{_in_path(pk)}/edit"
        spec = _spec("POST", target, "edit", "the highlight's changes", key=key, json=body)
        try:
            return await self._client.fetch(account, spec, HIGHLIGHT, _highlight)
        except NotFound as error:
            raise NotFound("The platform does not know the highlight.") from error

    async def delete(self, account: str, pk: str) -> None:
        spec = _spec("DELETE", f"/highlights/{_in_path(pk)}", "delete", "the highlight's deletion")
        try:
            await self._client.carry(account, spec, lambda reply: True)
        except NotFound:
            return

    async def tray(self, account: str) -> Sequence[Published]:
        wires: list[HighlightWire] = []
        after: str | None = ""
        requested: set[str] = set()
        while after is not None and after not in requested and len(requested) < MOST_PAGES:
            requested.add(after)
            page = await self._page(account, after)
            wires += page.data
            if len(wires) > MOST_HIGHLIGHTS:
                raise UpstreamInvalidAnswer("The platform names more highlights than an account can have.")
            after = page.after
        reads = [asyncio.ensure_future(self._with_media(account, wire)) for wire in wires]
        try:
            return [one for one in await asyncio.gather(*reads) if one is not None]
        finally:
            # If one read fails, the workflow retries: the others must not compete with the retry.
            for read_task in reads:
                read_task.cancel()
            await asyncio.gather(*reads, return_exceptions=True)

    async def highlight(self, account: str, pk: str) -> Published | None:
        spec = _spec("GET", f"/highlights/{_in_path(pk)}", "highlight", "the highlight")
        try:
            return await self._client.fetch(account, spec, HIGHLIGHT, _highlight)
        except NotReady:
            return Published(pk, "", (), is_ready=False)
        except NotFound:
            return None

    async def quota(self, account: str) -> Quota:
        spec = _spec("GET", "/users/self/publishing_limit", "quota", "the publishing limit")

        def read(wire: QuotaWire, reply: Reply) -> Quota:
            return Quota(wire.quota_usage, wire.config.quota_total, wire.config.quota_duration)

        return await self._client.fetch(account, spec, QUOTA, read)

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _page(self, account: str, after: str) -> PageWire:
        query = f"?after={quote(after, safe='')}" if after else ""
        target = f"/users/{_in_path(account)}/highlights{query}"
        spec = _spec("GET", target, "tray", "the account's highlights")
        read = partial(self._client.fetch, account, spec, TRAY, _page)
        return await (_retry_read(read) if after else read())

    async def _with_media(self, account: str, wire: HighlightWire) -> Published | None:
        """Return a highlight with its media, which a tray may leave out: reconciliation compares the media."""
        if wire.media is None and wire.is_ready:
            return await _retry_read(partial(self.highlight, account, str(wire.key)))
        return wire.published()


def _spec(
    method: str, target: str, label: str, subject: str, *, key: str = "", json: Mapping[str, Any] | None = None
) -> RequestSpec:
    headers = {"idempotency-key": key} if key else {}
    is_question = method == "GET"
    return RequestSpec(
        method, target, f"platform.{label}", subject, headers, json=json, key=key, is_question=is_question
    )


async def _retry_read(read: Callable[[], Awaitable[T]]) -> T:
    """Retry a read at once if the platform failed and named no time to wait."""
    for left in reversed(range(MAX_READ_ATTEMPTS)):
        try:
            return await read()
        except UpstreamUnavailable as error:
            if not left or error.retry_after is not None:
                raise
    raise AssertionError("the last reading returns or raises")


def _container(wire: ContainerWire, reply: Reply) -> Container:
    """Return a created container. Raises UndecodableResponse."""
    if wire.id is None:
        raise UndecodableResponse
    return _state(str(wire.id), wire, reply)


def _state(id: str, wire: ContainerWire, reply: Reply) -> Container:
    """Return a container with the state of `wire`. Raises UndecodableResponse."""
    state = wire.state
    problem = flaw_of(*wire.flaws) if state is ContainerState.ERROR else None
    return Container(id, state, reply.retry_after, problem)


def _highlight(wire: HighlightWire, reply: Reply) -> Published:
    return wire.published()


def _page(answer: tuple[HighlightWire, ...] | PageWire, reply: Reply) -> PageWire:
    """Return a page of the tray, which may also be sent as a plain list. Raises UndecodableResponse."""
    page = answer if isinstance(answer, PageWire) else PageWire(answer)
    named(page.data)
    if page.after is not None and len(page.after) > LONGEST_CURSOR:
        raise UndecodableResponse
    return page


def _container_expired() -> ContainerExpired:
    return ContainerExpired("The uploaded medium is gone from the platform.")


def _without_none(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def _in_path(id: str) -> str:
    return quote(id, safe="")
