"""Likes: the port's protocol, and its implementation for each dialect. No request has an idempotency key."""

from __future__ import annotations

from typing import Protocol, runtime_checkable
from urllib.parse import quote

import msgspec

from gateway.errors import NotFound, PublishingRejected
from gateway.upstream.client.exchange import Reply
from gateway.upstream.platforms.authorized import AuthenticatedClient
from gateway.upstream.platforms.client import RequestSpec
from gateway.upstream.platforms.port import Publisher

IS_DONE: msgspec.json.Decoder[bool] = msgspec.json.Decoder(bool)


@runtime_checkable
class Likes(Publisher, Protocol):
    """Likes of media."""

    async def set_like(self, account: str, media_id: str, *, liked: bool) -> None:
        """Like a media, or withdraw the like. Idempotent: succeeds if it is liked, or not liked, already."""


class PlatformLikes:
    """Likes of the Platform API."""

    _client: AuthenticatedClient

    async def set_like(self, account: str, media_id: str, *, liked: bool) -> None:
        target = f"/media/{quote(media_id, safe='')}/likes"
        spec = RequestSpec("POST" if liked else "DELETE", target, "platform.like", "the like")
        try:
            await self._client.carry(account, spec, lambda reply: True)
        except NotFound as error:
            # What is not liked, or is gone, needs no withdrawal.
            if liked:
                raise NotFound("The platform does not know the media.") from error


class AiograpiLikes:
    """Likes of aiograpi-rest."""

    _client: AuthenticatedClient

    async def set_like(self, account: str, media_id: str, *, liked: bool) -> None:
        if liked:
            spec = RequestSpec("POST", "/media/like", "aiograpi.like", "the like", form={"media_id": media_id})
        else:
            target = f"/media/like?media_id={quote(media_id, safe='')}"
            spec = RequestSpec("DELETE", target, "aiograpi.like", "the like")
        await self._client.fetch(account, spec, IS_DONE, _check_done)


def _check_done(is_done: bool, reply: Reply) -> None:
    if not is_done:
        raise PublishingRejected("The platform refused the like.")
