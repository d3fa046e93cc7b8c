"""How long the event loop is held up while large raw pages of hashtags arrive: 1.5 MB each, ten a second.

    python -m bench.large_pages

The gateway is `highlights-gateway serve`, whose event loop notes when a timer of a millisecond comes late: by how much,
and how much of that time the processor worked on the loop's thread. On a machine with other work the second number is
the gateway's own. Each request is for another hashtag, so that each buys a page over a real connection. Beside it stand
what a bare decoding of the same pages takes in the same run, and the longest wait of a prober of `/healthz`.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import msgspec
import uvloop

from bench.attacks import PAUSE, probe
from bench.contestants import CONTESTANT_CORE, LOAD_CORE, Contestant, Running, ask, started
from bench.crowds import HOST
from bench.upstream import Connection, Upstream, reply
from gateway import cli
from gateway.commands import servers
from gateway.server.loop import Loop
from gateway.server.server import ServerConfig
from gateway.upstream.hikerapi.flat_pages import hashtag_medias
from tests.upstream.hikerapi.raw_pages import RawPages

TARGET = 50.0  # milliseconds
MEDIAS = 64  # of a page, which has 1.5 MB with them
RATE = 10  # pages a second
SECONDS = 10.0
DIFFERENT = 6  # pages of each kind
TIMER = 0.001  # seconds
STALLS = "stalls"  # the file of a run
NOTED = 0.002  # seconds that a timer is late, at the least, to be noted
EXPIRED, VALID = b"oe=69AA3F6F", b"oe=7FFFFFFF"
QUERY = """query Posts($name: String!) { hashtag(name: $name) { media {
    nodes { id caption likeCount takenAt thumbnailUrl user { id username } } pageInfo { hasNextPage endCursor } } } }"""
KINDS = {
    "none": "none: the machine's other work",
    "plain": "as they are",
    "gzip": "compressed by gzip",
    "odd": "with a caption of another type in one post",
    "nobody": "with a post that names no author",
}
# Of the first post of a page, and what is there instead.
ODD = {
    "odd": (b'"caption":{', b'"caption":"text","was":{'),
    "nobody": (b'},"user":{', b'},"nobody":{'),
}


# -- the upstream


def pages(kind: str) -> list[bytes]:
    """Raw pages whose URLs are valid for long."""
    found = [RawPages(seed).hashtag(MEDIAS).replace(EXPIRED, VALID) for seed in range(DIFFERENT)]
    usual, other = ODD.get(kind, (b"", b""))
    return [page.replace(usual, other, 1) for page in found] if usual else found


class Hashtags(Upstream):
    """Answers with pages of the kind that the name of a hashtag begins with."""

    def __init__(self) -> None:
        super().__init__()
        self._replies = {kind.encode(): [_reply(kind, page) for page in pages(kind)] for kind in KINDS}

    def answer(self, request: bytes) -> tuple[bytes, float]:
        _, found, rest = request.partition(b"/v2/hashtag/medias/recent?name=")
        kind, _, number = rest.partition(b" ")[0].partition(b"_")
        if not found or kind not in self._replies:
            return self._free(request), 0.0
        self.calls += 1
        return self._replies[kind][int(number) % DIFFERENT], 0.0


def _reply(kind: str, page: bytes) -> bytes:
    if kind != "gzip":
        return reply(page, 1)
    return reply(gzip.compress(page), 1).replace(b"\r\n", b"\r\ncontent-encoding: gzip\r\n", 1)


async def upstream(port: int) -> None:
    hashtags = Hashtags()
    listening = await asyncio.get_running_loop().create_server(lambda: Connection(hashtags), HOST, port)
    await listening.serve_forever()


# -- the gateway


@dataclass(frozen=True, slots=True)
class Stall:
    """A timer that came late. `at` is a moment of the monotonic clock; all are in seconds."""

    at: float
    wall: float
    processor: float


class WatchedLoop(Loop):
    """The gateway's event loop, with a timer that writes down how late it is."""

    def __init__(self, notes: IO[bytes]) -> None:
        super().__init__()
        self._notes = notes
        self._begin()

    def _begin(self) -> None:
        self._due, self._worked = time.perf_counter() + TIMER, time.thread_time()
        self.call_later(TIMER, self._beat)

    def _beat(self) -> None:
        late = time.perf_counter() - self._due
        if late >= NOTED:
            stall = Stall(time.monotonic(), late, time.thread_time() - self._worked)
            self._notes.write(msgspec.json.encode(stall) + b"\n")
        self._begin()


class WatchedConfig(ServerConfig):
    folder: Path

    def get_loop_factory(self) -> Callable[[], asyncio.AbstractEventLoop]:
        return lambda: WatchedLoop((self.folder / STALLS).open("ab", buffering=0))


def gateway(port: str, folder: Path) -> None:
    """Serve until a signal."""
    WatchedConfig.folder = folder
    vars(servers)["ServerConfig"] = WatchedConfig
    cli.main(["serve", "--port", port])


# -- the load


@dataclass(frozen=True, slots=True)
class Measured:
    """What was noticed of one kind of pages, in milliseconds.

    `wall` and `processor` are the longest stall by each clock, `usual` is the median page's by the processor, `wait` a
    prober's longest wait. `decoded` and `flattened` are what one page takes alone, at the median.
    """

    wall: float
    processor: float
    usual: float
    wait: float
    decoded: float
    flattened: float
    answered: int


def measured(seconds: float = SECONDS) -> dict[str, Measured]:
    module = (sys.executable, "-m", "bench.large_pages")
    source = Contestant("upstream", "The upstream", (*module, "upstream", "{port}"), {}, "")
    settings = {
        "GATEWAY_HIKERAPI_URL": "{upstream}",
        "GATEWAY_HIKERAPI_KEY": "bench",  # pragma: allowlist secret
        "GATEWAY_HIKERAPI_RATE": "1000000",
        "GATEWAY_DATA_DIR": "{folder}/data",
        "GATEWAY_LOG_LEVEL": "error",
    }
    served = Contestant("watched", "The gateway", (*module, "gateway", "{port}", "{folder}"), settings, "")
    with tempfile.TemporaryDirectory(prefix="bench-") as place:
        folder = Path(place)
        with started(source, "", folder, LOAD_CORE) as feeding:
            with started(served, feeding.address, folder, CONTESTANT_CORE) as running:
                ask_for(running, "plain_0")
                phases = {kind: _phase(running, kind, seconds) for kind in KINDS}
            stalls = msgspec.json.Decoder(Stall).decode_lines((folder / STALLS).read_bytes())
    return {kind: _of_phase(kind, phase, stalls) for kind, phase in phases.items()}


@dataclass(frozen=True, slots=True)
class Phase:
    began: float
    ended: float
    wait: float
    answered: int


def _phase(running: Running, kind: str, seconds: float) -> Phase:
    """Ask for so many pages, at their rate whatever the answers take, while a prober asks as well."""
    count = int(seconds * RATE)
    with probed(running.port) as waits, ThreadPoolExecutor(2 * RATE) as pool:
        began = time.monotonic()
        asked = []
        for at in range(count):
            time.sleep(max(0.0, began + at / RATE - time.monotonic()))
            if kind != "none":
                asked.append(pool.submit(ask_for, running, f"{kind}_{at + 1}"))
        answered = sum(one.result() for one in asked)
        ended = time.monotonic()
    return Phase(began, ended, max(waits), answered)


def ask_for(running: Running, name: str) -> int:
    """The number of posts. Raises RuntimeError if there are none."""
    body = json.dumps({"query": QUERY, "variables": {"name": name}}).encode()
    answer: dict[str, Any] = json.loads(ask(running.url, body))
    tag = answer["data"]["hashtag"]
    if not tag or not tag["media"]:
        raise RuntimeError(f"no page: {answer['errors']}")
    return len(tag["media"]["nodes"])


@contextlib.contextmanager
def probed(port: int) -> Iterator[list[float]]:
    """The waits of a prober, in seconds."""
    waits, ends = [probe(port)], threading.Event()

    def keep_probing() -> None:
        while not ends.wait(PAUSE):
            waits.append(probe(port))

    prober = threading.Thread(target=keep_probing)
    prober.start()
    yield waits
    ends.set()
    prober.join()


def _of_phase(kind: str, phase: Phase, stalls: Sequence[Stall]) -> Measured:
    within = [stall for stall in stalls if phase.began <= stall.at <= phase.ended]
    longest = sorted((stall.processor for stall in within), reverse=True)[: int(SECONDS * RATE)] or [0.0]
    bodies = pages(kind)
    return Measured(
        wall=1e3 * max((stall.wall for stall in within), default=0.0),
        processor=1e3 * longest[0],
        usual=1e3 * statistics.median(longest),
        wait=1e3 * phase.wait,
        decoded=_milliseconds(msgspec.json.decode, bodies),
        flattened=_milliseconds(lambda body: hashtag_medias("love", body), bodies),
        answered=phase.answered,
    )


def _milliseconds(work: Any, bodies: Sequence[bytes]) -> float:
    """The median for one body, by the processor."""
    times = []
    for body in [*bodies, *bodies, *bodies]:
        began = time.thread_time()
        work(body)
        times.append(time.thread_time() - began)
    return 1e3 * statistics.median(times)


def table(found: Mapping[str, Measured]) -> str:
    rows = [
        f"| {KINDS[kind]} | {one.processor:.0f} | {one.usual:.0f} | {one.wall:.0f} | {one.wait:.0f} "
        f"| {one.decoded:.1f} | {one.flattened:.1f} | {'reached' if one.wall <= TARGET else '**missed**'} |"
        for kind, one in found.items()
    ]
    head = [
        "| pages of 1.5 MB, ten a second | longest stall, ms of the processor | usual one | longest by the clock "
        f"| a prober's longest wait | bare decoding | flattening | wanted: at most {TARGET:.0f} ms by the clock |",
        "|---|---|---|---|---|---|---|---|",
    ]
    return "\n".join([*head, *rows])


def main(arguments: Sequence[str]) -> None:
    match arguments:
        case ["upstream", port]:
            uvloop.run(upstream(int(port)))
        case ["gateway", port, folder]:
            gateway(port, Path(folder))
        case _:
            print(table(measured()))


if __name__ == "__main__":
    main(sys.argv[1:])
