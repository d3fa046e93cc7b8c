"""Files in the spool, looked at and brought within the upstream's limits."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from gateway.domain.publishing import MediumKind
from gateway.uploads.formats import Format, format_of
from gateway.uploads.images import to_jpeg
from gateway.uploads.spool import Spool, in_thread
from gateway.uploads.videos import check_video

# Each decoded image may take hundreds of megabytes.
AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class NormalizedMedia:
    """What is sent on."""

    kind: MediumKind
    content_type: str


class MediaNormalizer:
    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def fit(self, sha256: str) -> NormalizedMedia:
        """Makes the entry what the upstream takes. Raises Unfit, and FlowsUnavailable where the disk fails."""
        async with self._turns:
            fit, image = await in_thread(self._examined, sha256)
        if image is not None:
            await self._spool.replace(sha256, image)
        return fit

    def _examined(self, sha256: str) -> tuple[NormalizedMedia, bytes | None]:
        try:
            return _examine(self._spool.path(sha256))
        except FileNotFoundError:
            # Another request has sent the same file, and has just replaced it.
            return _examine(self._spool.path(sha256))


def _examine(path: Path) -> tuple[NormalizedMedia, bytes | None]:
    """What is sent on, and the image to replace the file by, if it has to be."""
    found = format_of(path)
    if found.kind is MediumKind.VIDEO:
        check_video(path)
        return NormalizedMedia(found.kind, found.value), None
    return NormalizedMedia(found.kind, Format.JPEG.value), to_jpeg(path, found)
