"""Normalization of spooled files: inspection, and conversion to the upstream's formats and limits."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from gateway.domain.publishing import MediumKind
from gateway.uploads.formats import MediaFormat, format_of
from gateway.uploads.images import to_jpeg
from gateway.uploads.spool import Spool, in_thread
from gateway.uploads.videos import check_video

# Each decoded image may take hundreds of megabytes.
AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class NormalizedMedia:
    """The kind and content type of a file in the form sent to the upstream."""

    kind: MediumKind
    content_type: str


class MediaNormalizer:
    """The normalizer of spooled files, which decodes at most AT_ONCE images at a time."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._decoding_slots = asyncio.Semaphore(AT_ONCE)

    async def fit(self, sha256: str) -> NormalizedMedia:
        """Convert the entry to a form that the upstream accepts.

        Raises Unfit if that is impossible, and FlowsUnavailable if the disk fails.
        """
        async with self._decoding_slots:
            fit, image = await in_thread(self._examine_entry, sha256)
        if image is not None:
            await self._spool.replace(sha256, image)
        return fit

    def _examine_entry(self, sha256: str) -> tuple[NormalizedMedia, bytes | None]:
        try:
            return _examine(self._spool.path(sha256))
        except FileNotFoundError:
            # Another request with the same file has just replaced it.
            return _examine(self._spool.path(sha256))


def _examine(path: Path) -> tuple[NormalizedMedia, bytes | None]:
    """Return the normalized form of a file, and the image that must replace the file, if any."""
    found = format_of(path)
    if found.kind is MediumKind.VIDEO:
        check_video(path)
        return NormalizedMedia(found.kind, found.value), None
    return NormalizedMedia(found.kind, MediaFormat.JPEG.value), to_jpeg(path, found)
