"""Workers that ask each other over sockets."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from pathlib import Path

import pytest

from gateway.control.sockets import LARGEST, WorkerSockets

OTHER = 4_000_000  # no process has so high an id


async def shout(request: bytes) -> bytes:
    return request.upper()


def sockets(directory: Path, *, patience: float = 20.0) -> WorkerSockets:
    return WorkerSockets(directory, shout, patience=patience)


async def asked(path: Path, request: bytes) -> bytes:
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(request)
    answer = await reader.read()
    writer.close()
    return answer


async def test_a_worker_answers_the_others_until_it_ends(tmp_path: Path) -> None:
    path = tmp_path / f"{os.getpid()}.sock"
    async with sockets(tmp_path).listening():
        assert await asked(path, b"hello\n") == b"HELLO\n"
        assert await sockets(tmp_path).ask(b"it does not ask itself") == {}
    assert not path.exists()


async def test_it_listens_in_place_of_an_earlier_process_of_its_id(tmp_path: Path) -> None:
    path = tmp_path / f"{os.getpid()}.sock"
    with socket.socket(socket.AF_UNIX) as earlier:
        earlier.bind(str(path))
    async with sockets(tmp_path).listening():
        assert await asked(path, b"hello\n") == b"HELLO\n"


async def test_the_answers_of_all_others_are_returned_by_their_ids(tmp_path: Path) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"heard " + await reader.readline())
        writer.close()

    servers = [await asyncio.start_unix_server(answer, tmp_path / f"{OTHER + at}.sock") for at in range(2)]
    assert await sockets(tmp_path).ask(b"it") == {OTHER: b"heard it", OTHER + 1: b"heard it"}
    for server in servers:
        server.close()


async def test_one_that_has_ended_is_none_of_them(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as ended:
        ended.bind(str(tmp_path / f"{OTHER}.sock"))
    assert await sockets(tmp_path).ask(b"hello") == {}


async def test_one_that_does_not_answer_in_time_is_named(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / f"{OTHER}.sock"))
        silent.listen()
        assert await sockets(tmp_path, patience=0.01).ask(b"hello") == {OTHER: None}


@pytest.mark.parametrize("answer", [b"", b"no line" * 10, b"x" * (2 * LARGEST)])
async def test_one_that_answers_no_line_is_named(answer: bytes, tmp_path: Path) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(answer)
        writer.close()

    server = await asyncio.start_unix_server(hang_up, tmp_path / f"{OTHER}.sock")
    assert await sockets(tmp_path).ask(b"hello") == {OTHER: None}
    server.close()


async def test_who_sends_too_much_gets_no_answer(tmp_path: Path) -> None:
    async with sockets(tmp_path).listening():
        with contextlib.suppress(ConnectionError):
            assert await asked(tmp_path / f"{os.getpid()}.sock", b"x" * (2 * LARGEST)) == b""
