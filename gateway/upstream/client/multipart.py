"""A form with a file, sent from the disk: no more than a piece of it is in memory."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

PIECE = 256 * 1024  # bytes


class FileForm:
    """By RFC 7578. `size` is in bytes, of the whole body. Raises OSError where there is no such file.

    The boundary follows from `seed`, so that the same upload is the same body each time: an upstream may compare it.
    """

    def __init__(self, fields: Mapping[str, str], path: Path, content_type: str, *, seed: str) -> None:
        boundary = hashlib.sha256(seed.encode()).hexdigest()
        self.content_type = f"multipart/form-data; boundary={boundary}"
        self._path = path
        self._head = "".join(
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in fields.items()
        ).encode()
        # The platform judges by the bytes; the name tells nothing of the client's disk.
        self._head += (
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="medium"\r\n'
            f"Content-Type: {content_type}\r\n\r\n"
        ).encode()
        self._tail = f"\r\n--{boundary}--\r\n".encode()
        self.size = len(self._head) + path.stat().st_size + len(self._tail)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._head
        # Opened here and now: a file that a thread opens for somebody who is cancelled meanwhile is closed by nobody.
        with self._path.open("rb") as file:
            while piece := await asyncio.to_thread(file.read, PIECE):
                yield piece
        yield self._tail
