"""Object storage that cuts, delays and refuses: repeated within bounds, told as unavailable, and never half-read."""

from __future__ import annotations

import asyncio
import hashlib
import sys
import time
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path

import httpx
import pytest

from gateway.clock import SystemClock
from gateway.errors import FlowsUnavailable
from gateway.uploads.object_storage import THREADS, CloudObjects, StoragePatience, StorageUnavailable
from gateway.uploads.shared_spool import ATTEMPTS, SharedSpool
from tests import processes
from tests.meta.tree import ROOT
from tests.object_storage.server import BUCKET, KEY_ID, SECRET, Fault, FaultyProxy, access, proxied, s3
from tests.object_storage.spool_contract import FLOW, uploaded

PATIENCE = StoragePatience(connect=5.0, request=10.0, repetitions=3, all_repetitions=30.0)
CONTENT = b"0123456789" * 300_000
BEYOND_THE_HEAD = 100_000
SLOW_DOWN = Fault("slow down")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with s3() as url:
        yield url


@pytest.fixture
async def proxy(server: str) -> AsyncIterator[FaultyProxy]:
    async with proxied(server) as made:
        yield made


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    return path


@pytest.fixture
def objects(proxy: FaultyProxy, tmp_path: Path) -> CloudObjects:
    return CloudObjects(access(proxy.url, tmp_path.name), PATIENCE)


async def read(objects: CloudObjects, name: str = "file") -> bytes:
    return b"".join([piece async for piece in objects.read(name)])


@pytest.mark.parametrize(
    "fault",
    [SLOW_DOWN, Fault("cut before"), Fault("cut", after=40)],
    ids=lambda fault: fault.kind,
)
async def test_a_request_that_fails_twice_is_repeated(
    proxy: FaultyProxy, objects: CloudObjects, file: Path, fault: Fault
) -> None:
    proxy.faults.extend([fault] * 2)
    await objects.put("file", file)
    proxy.faults.extend([fault] * 2)
    assert await read(objects) == CONTENT
    proxy.faults.extend([fault] * 2)
    assert [entry.name async for entry in objects.entries("")] == ["file"]
    assert not proxy.faults


async def test_answers_that_are_late_are_waited_for(proxy: FaultyProxy, objects: CloudObjects, file: Path) -> None:
    proxy.always = Fault("delay", seconds=0.2)
    await objects.put("file", file)
    assert await read(objects) == CONTENT


async def test_an_answer_that_is_cut_in_the_middle_is_read_again(
    proxy: FaultyProxy, objects: CloudObjects, file: Path
) -> None:
    await objects.put("file", file)
    proxy.faults.append(Fault("cut", "GET", after=BEYOND_THE_HEAD))
    assert await read(objects) == CONTENT


async def test_a_storage_that_goes_on_failing_is_unavailable_after_some_requests(
    proxy: FaultyProxy, objects: CloudObjects, file: Path
) -> None:
    proxy.always = SLOW_DOWN
    with pytest.raises(StorageUnavailable) as failed:
        await objects.put("file", file)
    assert proxy.count("PUT") == PATIENCE.repetitions + 1
    assert failed.value.__cause__ is None
    assert SECRET not in str(failed.value)
    assert KEY_ID not in str(failed.value)
    proxy.always = None
    assert not await objects.exists("file")


async def test_a_server_that_never_answers_is_unavailable_after_the_time_limit(
    proxy: FaultyProxy, tmp_path: Path, file: Path
) -> None:
    patience = StoragePatience(connect=1.0, request=0.5, repetitions=1, all_repetitions=5.0)
    objects = CloudObjects(access(proxy.url, tmp_path.name), patience)
    proxy.always = Fault("delay", seconds=60.0)
    began = time.monotonic()
    with pytest.raises(StorageUnavailable):
        await objects.exists("file")
    assert time.monotonic() - began < 30.0


async def test_many_requests_to_a_server_that_never_answers_are_unavailable_at_the_same_time(
    proxy: FaultyProxy, tmp_path: Path
) -> None:
    patience = StoragePatience(connect=1.0, request=1.0, repetitions=0, all_repetitions=0.0)
    objects = CloudObjects(access(proxy.url, tmp_path.name), patience)
    proxy.always = Fault("delay", seconds=60.0)
    began = time.monotonic()
    found = await asyncio.gather(*(objects.exists(f"file-{at}") for at in range(20 * THREADS)), return_exceptions=True)
    assert {type(one) for one in found} == {StorageUnavailable}
    assert time.monotonic() - began < 15.0, "one after the other they would take 20 seconds"


async def test_an_upload_that_is_cut_leaves_no_object(
    proxy: FaultyProxy, objects: CloudObjects, tmp_path: Path
) -> None:
    large = tmp_path / "large"
    large.write_bytes(b"x" * 11_000_000)
    proxy.always = Fault("cut before", "PUT")
    with pytest.raises(StorageUnavailable):
        await objects.put("large", large)
    proxy.always = None
    assert not await objects.exists("large")
    assert [entry async for entry in objects.entries("")] == []


@pytest.mark.parametrize("digest", [None, hashlib.sha256(b"another").hexdigest()])
async def test_an_object_that_is_not_what_was_put_is_not_read(
    server: str, objects: CloudObjects, tmp_path: Path, digest: str | None
) -> None:
    headers = {} if digest is None else {"x-amz-meta-sha256": digest}
    url = f"{server}/{BUCKET}/{tmp_path.name}/file"
    put = partial(httpx.put, url, content=b"half of it", headers=headers)
    (await asyncio.to_thread(put)).raise_for_status()
    with pytest.raises(StorageUnavailable):
        await read(objects)


async def test_a_flow_s_file_is_fetched_again_if_it_came_damaged_and_once_for_two_steps(
    proxy: FaultyProxy, objects: CloudObjects, tmp_path: Path
) -> None:
    one = SharedSpool(tmp_path / "one", objects, SystemClock())
    other = SharedSpool(tmp_path / "other", objects, SystemClock())
    await one.start()
    await other.start()
    name = await uploaded(one, CONTENT, FLOW)
    proxy.faults.extend([SLOW_DOWN] * (PATIENCE.repetitions + 1))
    gets = proxy.count("GET")
    paths = await asyncio.gather(other.fetch(name, FLOW), other.fetch(name, FLOW))
    assert [path is not None and path.read_bytes() == CONTENT for path in paths] == [True, True]
    assert proxy.count("GET") == gets + 1
    assert list((tmp_path / "other").glob("*.part")) == []
    await one.aclose()
    await other.aclose()


async def test_a_fetch_ends_with_an_error_and_leaves_nothing(
    proxy: FaultyProxy, objects: CloudObjects, tmp_path: Path
) -> None:
    one = SharedSpool(tmp_path / "one", objects, SystemClock())
    other = SharedSpool(tmp_path / "other", objects, SystemClock())
    await one.start()
    await other.start()
    name = await uploaded(one, CONTENT, FLOW)
    proxy.always = Fault("cut", "GET", after=BEYOND_THE_HEAD)
    heads = proxy.count("HEAD")
    with pytest.raises(FlowsUnavailable):
        await other.fetch(name, FLOW)
    assert proxy.count("HEAD") == heads + ATTEMPTS
    assert [path for path in (tmp_path / "other").iterdir() if path.stat().st_size > 0 and path.is_file()] == []
    assert list((tmp_path / "other").glob("*/*")) == []
    await one.aclose()
    await other.aclose()


LAST = """
import asyncio, sys
from gateway.uploads.object_storage import CloudObjects, StorageUnavailable
from tests.object_storage.server import access
async def ask():
    try:
        await CloudObjects(access(sys.argv[1])).exists("nothing")
    except StorageUnavailable:
        pass
asyncio.run(ask())
"""


def test_a_process_may_exit_right_after_a_call(server: str) -> None:
    """Coroutines of obstore get their results from threads that an exiting interpreter may abort."""
    for _ in range(5):
        assert processes.run([sys.executable, "-c", LAST, server], seconds=120.0, cwd=ROOT).returncode == 0
