"""`python -m tests.stack.relay PORT TO`: connections to PORT go on to the port TO, and are cut when it is killed."""

from __future__ import annotations

import asyncio
import contextlib
import sys

HERE = "127.0.0.1"
BYTES = 65_536


async def relay(port: int, to: int) -> None:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            other_reader, other_writer = await asyncio.open_connection(HERE, to)
            await asyncio.gather(_copy(reader, other_writer), _copy(other_reader, writer))

    async with await asyncio.start_server(connected, HERE, port) as server:
        await server.serve_forever()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Until one of the two sides ends; then the other one is told."""
    try:
        while part := await reader.read(BYTES):
            writer.write(part)
            await writer.drain()
    finally:
        writer.close()


if __name__ == "__main__":
    asyncio.run(relay(int(sys.argv[1]), int(sys.argv[2])))
