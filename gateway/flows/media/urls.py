"""URLs that the upstream is to fetch media from: public, and of which kind."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Protocol
from urllib.parse import urlsplit

from gateway.domain.publishing import MediumKind
from gateway.upstream.probe import Unreached

SUFFIXES = {
    ".jpg": MediumKind.IMAGE,
    ".jpeg": MediumKind.IMAGE,
    ".mp4": MediumKind.VIDEO,
    ".mov": MediumKind.VIDEO,
}
# What hosts say of a file when nobody has told them.
VAGUE = frozenset({"application/octet-stream", "binary/octet-stream"})


class Looks(Protocol):
    """`gateway.upstream.probe.Probe`."""

    async def content_type(self, url: str) -> str | None:
        """Raises NotPublic and Unreached."""


class NoMedium(Exception):
    """The host says that there is no picture and no video. The message ends the sentence "the URL ..."."""


async def kind_of(url: str, looks: Looks) -> MediumKind:
    """Raises NotPublic and NoMedium. What cannot be reached from here is left to the upstream to judge.

    A name that says what it is decides: then the same request, sent again, is the same order, however its host feels.
    """
    try:
        claimed = await looks.content_type(url)
    except Unreached:
        claimed = None
    told = None if claimed is None or claimed in VAGUE else _told(claimed)
    named = SUFFIXES.get(PurePosixPath(urlsplit(url).path).suffix.lower())
    return named or told or MediumKind.IMAGE


def _told(content_type: str) -> MediumKind:
    if content_type.startswith("video/"):
        return MediumKind.VIDEO
    if content_type.startswith("image/"):
        return MediumKind.IMAGE
    raise NoMedium("leads to what is neither an image nor a video")
