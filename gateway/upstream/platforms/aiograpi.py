"""The client of a self-hosted aiograpi-rest: uploads are stories at once, without idempotency keys.

Most failures are a 500, which leaves open whether the work was done. If the tray shows it, the tray is read; the
workflow finds out the rest. The `exc_type` is the cause of a 500; a 404 without one means an unknown route, and says
nothing about any object.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
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
    Source,
    Story,
    Traits,
)
from gateway.errors import (
    AccountDisconnected,
    GatewayError,
    MediumRefused,
    PublishingRejected,
    RouteMissing,
    UpstreamRateLimited,
    UpstreamUnavailable,
)
from gateway.upstream.client import errors
from gateway.upstream.client.exchange import TOO_MANY, Reply
from gateway.upstream.platforms.authorized import AuthenticatedClient
from gateway.upstream.platforms.client import PublishingClient, RequestSpec
from gateway.upstream.platforms.dto import AccountWire, HighlightWire, StoryWire, named, unix

TRAITS = Traits(idempotent=False, film_endings=(".mp4", ".mov", ".m4v"))
DAY = 86_400.0  # seconds that a story lives
# The session has ended, or the platform requires its owner to act, whatever the status: a retry cannot succeed.
LOGGED_OUT = frozenset({"LoginRequired", "ClientLoginRequired", "TwoFactorRequired"})
CHALLENGED = "Challenge"
# The `detail` of a session that was lost with the API's own store, which has no type of its own.
LOST = "Session not found"
# The account is rate limited. The duration is unknown, and early retries prolong it.
THROTTLED = frozenset({"FeedbackRequired", "PleaseWaitFewMinutes", "RateLimitError"})
PAUSE = 60.0  # seconds
NO_ROUTE = frozenset({404, 405})
# The API's default crop of a new cover: the middle square of a 9:16 picture. An edit has no default.
CROP = "[0.0, 0.21830457, 1.0, 0.78094524]"

ACCOUNT = msgspec.json.Decoder(AccountWire)
STORY = msgspec.json.Decoder(StoryWire)
HIGHLIGHT = msgspec.json.Decoder(HighlightWire)
TRAY: msgspec.json.Decoder[tuple[HighlightWire, ...]] = msgspec.json.Decoder(tuple[HighlightWire, ...])


class Trouble(msgspec.Struct, frozen=True, gc=False):
    """The body of a refusal. FastAPI's own refusals have no type; `detail` is a list for invalid input."""

    exc_type: str | None = None
    detail: str | list[Any] | None = None

    @property
    def is_of_the_session(self) -> bool:
        kind, detail = self.exc_type or "", self.detail
        is_lost = isinstance(detail, str) and detail.startswith(LOST)
        return kind in LOGGED_OUT or kind.startswith(CHALLENGED) or is_lost


TROUBLE = msgspec.json.Decoder(Trouble)


def refusal(reply: Reply, spec: RequestSpec) -> GatewayError | None:
    """Return the error of a reply, or None for a complete response that is no refusal."""
    subject = spec.subject
    if reply.failure is not None:
        return errors.error_from_failure(reply, subject)
    status = reply.status or 0
    if 200 <= status < 300:
        return None
    trouble = _trouble(reply)
    if status in (401, 403) or trouble.is_of_the_session:
        return AccountDisconnected("The platform refuses the account's session: log in again.")
    if status == TOO_MANY or trouble.exc_type in THROTTLED:
        wait = reply.retry_after if "retry-after" in reply.headers else PAUSE
        return UpstreamRateLimited(f"The platform's rate limit left no room for {subject}.", retry_after=wait)
    if status in NO_ROUTE and not trouble.exc_type:
        return RouteMissing(
            f"The publishing upstream has no route {spec.route}: its address (GATEWAY_PLATFORM_URL), its dialect or "
            "its release is another than this gateway was made for."
        )
    if status >= 500 or status in NO_ROUTE:
        return UpstreamUnavailable(f"The platform failed at {subject}, which may have been done.")
    if status in (400, 422):
        return PublishingRejected(f"The platform refused {subject}.")
    return errors.invalid_answer(subject)


def _trouble(reply: Reply) -> Trouble:
    try:
        return TROUBLE.decode(reply.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Trouble(errors.error_type(reply))


async def owner(client: PublishingClient, token: str) -> Account:
    """Return the account of a session. Raises UpstreamError and AccountDisconnected."""
    spec = RequestSpec("GET", "/account", "aiograpi.account", "the account", session(token))

    return await client.fetch("", spec, ACCOUNT, lambda wire, _: wire.account())


class Aiograpi:
    """A Publisher over aiograpi-rest, with uploads and highlights. It has no quota, and an upload is a story."""

    traits = TRAITS

    def __init__(self, client: AuthenticatedClient) -> None:
        self._client = client

    async def accounts(self) -> Sequence[Account]:
        return await self._client.accounts()

    async def upload(self, account: str, source: Source, *, key: str) -> Container:
        if isinstance(source, LinkedMedium):
            _check_kind(source)
            spec = _spec("POST", "/story/upload/by/url", "upload", "the upload", form={"url": source.url})
        else:
            spec = replace(_spec("POST", "/story/upload", "upload", "the upload"), file=source, key=key)

        def make(wire: StoryWire, reply: Reply) -> Container:
            pk, taken_at = pk_of(str(wire.pk)), unix(wire.taken_at)
            story = Story(_with_owner(pk, account), pk, None if taken_at is None else taken_at + DAY)
            return Container(pk, ContainerState.PUBLISHED, story=story)

        return await self._client.fetch(account, spec, STORY, make)

    async def container(self, account: str, id: str) -> Container:
        return Container(id, ContainerState.PUBLISHED)

    async def create(
        self, account: str, title: str, media_ids: Sequence[str], cover_id: str | None, *, key: str
    ) -> Published:
        form: dict[str, str | Sequence[str]] = {
            "title": title,
            "story_ids": [_with_owner(id, account) for id in media_ids],
        }
        if cover_id is not None:
            form["cover_story_id"] = _with_owner(cover_id, account)
        spec = _spec("POST", "/highlight", "create", "the new highlight", form=form)
        return await self._client.fetch(account, spec, HIGHLIGHT, _highlight)

    async def update(self, account: str, pk: str, changes: HighlightChanges, *, key: str) -> Published:
        form: dict[str, str | Sequence[str]] = {"highlight_pk": pk}
        if changes.title is not None:
            form["title"] = changes.title
        if changes.cover_id is not None:
            form["cover"] = json.dumps({"media_id": _with_owner(changes.cover_id, account), "crop_rect": CROP})
        if changes.add:
            form["added_media_ids"] = [_with_owner(id, account) for id in changes.add]
        if changes.remove:
            form["removed_media_ids"] = [_with_owner(id, account) for id in changes.remove]
        spec = _spec("PATCH", "/highlight", "edit", "the highlight's changes", form=form)
        return await self._client.fetch(account, spec, HIGHLIGHT, _highlight)

    async def delete(self, account: str, pk: str) -> None:
        target = f"/highlight?highlight_pk={quote(pk, safe='')}"
        spec = _spec("DELETE", target, "delete", "the highlight's deletion")
        try:
            await self._client.carry(account, spec, lambda reply: True)
        except UpstreamUnavailable:
            if await self._is_there(account, pk):
                raise

    async def tray(self, account: str) -> Sequence[Published]:
        found = []
        for wire in await self._tray(account):
            # A highlight without its media is read by itself: reconciliation compares the media.
            one = await self.highlight(account, str(wire.key)) if wire.media is None else wire.published()
            if one is not None:
                found.append(one)
        return found

    async def highlight(self, account: str, pk: str) -> Published | None:
        target = f"/highlight?highlight_pk={quote(pk, safe='')}"
        spec = _spec("GET", target, "highlight", "the highlight")
        try:
            return await self._client.fetch(account, spec, HIGHLIGHT, _highlight)
        except UpstreamUnavailable:
            if await self._is_there(account, pk):
                raise
            return None

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _tray(self, account: str) -> Sequence[HighlightWire]:
        """Return all highlights of the account: `amount=0` means no limit."""
        target = f"/user/highlights?user_id={quote(account, safe='')}&amount=0"
        spec = _spec("GET", target, "tray", "the account's highlights")
        return await self._client.fetch(account, spec, TRAY, lambda wires, _: named(wires))

    async def _is_there(self, account: str, pk: str) -> bool:
        return any(wire.key == pk for wire in await self._tray(account))


def _spec(
    method: str, target: str, label: str, subject: str, *, form: Mapping[str, str | Sequence[str]] | None = None
) -> RequestSpec:
    return RequestSpec(method, target, f"aiograpi.{label}", subject, form=form, is_question=method == "GET")


def _highlight(wire: HighlightWire, reply: Reply) -> Published:
    return wire.published()


def session(token: str) -> dict[str, str]:
    return {"x-session-id": token}


def _check_kind(source: LinkedMedium) -> None:
    """Raise MediumRefused if the URL's ending suggests another kind: a wrong story would be published at once."""
    assumed_kind = TRAITS.taken_for(source.url)
    if assumed_kind is not source.kind:
        raise MediumRefused("This upstream would take the URL for another kind of medium: send the file instead.")


def _with_owner(id: str, account: str) -> str:
    """Return a medium's id in this API's form: `<pk>_<user>`."""
    return id if "_" in id else f"{id}_{account}"
