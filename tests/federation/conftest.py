"""Three subgraphs and a router, each on its own port."""

from __future__ import annotations

import contextlib
import dataclasses
import re
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from subprocess import PIPE
from typing import Any

import httpx
import pytest
from strawberry.asgi import GraphQL

from gateway.clock import SystemClock
from gateway.composition.app import create_app
from gateway.sandbox import create_sandbox
from gateway.settings import Settings
from tests import processes
from tests.fakes.served import served
from tests.federation import archive as archive_graph
from tests.federation import brands as brands_graph
from tests.meta.tree import ROOT
from tests.node import projects

SUBGRAPH = ROOT / "schema/schema.graphql"
# Where the subgraphs are said to be, until they are started.
HERE, BRANDS, ARCHIVE = "http://127.0.0.1:8000/graphql", "http://127.0.0.1:8001/", "http://127.0.0.1:8002/"
LIMIT = 60.0
# Of the router of one module, in seconds.
LIFE = 400.0
ADDRESS = re.compile(r"(?:^|Listening on )(http://127\.0\.0\.1:\d+)")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a router answered, and what that took of the read upstream."""

    answer: dict[str, Any]
    headers: httpx.Headers
    calls: dict[str, int]
    billed: int


@dataclass(frozen=True, slots=True)
class Supergraph:
    """A router before the gateway and the other subgraphs, which can be asked."""

    url: str
    upstream: str

    def ask(self, query: str, **variables: Any) -> Asked:
        """With a cold upstream meter; what the gateway remembers of earlier questions stays."""
        httpx.post(f"{self.upstream}/_control/reset", timeout=LIMIT).raise_for_status()
        body = {"query": query, "variables": variables}
        response = httpx.post(self.url, json=body, headers={"graphql-require-preflight": "1"}, timeout=LIMIT)
        meter = httpx.get(f"{self.upstream}/_control/meter", timeout=LIMIT).json()
        calls = {path: count for path, count in meter["calls"].items() if path != "/sys/balance" and count}
        return Asked(response.json(), response.headers, calls, meter["total_billed"])


@pytest.fixture(scope="package")
def routers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return projects.installed(projects.ROUTERS, tmp_path_factory.mktemp("routers"))


@pytest.fixture(scope="package")
def upstream() -> Iterator[str]:
    with served(lambda url: create_sandbox(clock=SystemClock(), base_url=url)) as url:
        yield url


@pytest.fixture(scope="package")
def brands() -> Iterator[str]:
    with served(lambda _: GraphQL(brands_graph.SCHEMA), lifespan=False) as url:
        yield f"{url}/"


@pytest.fixture(scope="package")
def archive() -> Iterator[str]:
    with served(lambda _: GraphQL(archive_graph.SCHEMA), lifespan=False) as url:
        yield f"{url}/"


@pytest.fixture(scope="package")
def compose(routers: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """A function of a composer and a subgraph to the supergraph. Each is composed once; Failed has the errors."""
    folder = tmp_path_factory.mktemp("subgraphs")
    others = []
    for name, url, graph in (("brands", BRANDS, brands_graph), ("archive", ARCHIVE, archive_graph)):
        (folder / name).write_text(graph.SCHEMA.as_str())
        others.append(f"{name}={url}={folder / name}")

    @cache
    def composed(composer: str, subgraph: Path = SUBGRAPH) -> str:
        return projects.run(routers, "compose.mjs", composer, f"highlights={HERE}={subgraph}", *others)

    return composed


@contextlib.contextmanager
def gateway(upstream: str, data: Path) -> Iterator[str]:
    """A gateway that remembers nothing yet."""
    settings = dataclasses.replace(Settings(), hikerapi_url=upstream, hikerapi_key="sandbox", data_dir=data)
    with served(lambda url: create_app(settings, base_url=url)) as url:
        yield f"{url}/graphql"


def moved(supergraph: str, addresses: Mapping[str, str]) -> str:
    """The same, with subgraphs at other addresses."""
    for said, real in addresses.items():
        assert f'"{said}"' in supergraph
        supergraph = supergraph.replace(f'"{said}"', f'"{real}"')
    return supergraph


@contextlib.contextmanager
def apollo(project: Path, supergraph: Path) -> Iterator[str]:
    with _announced(project, project / "apollo.mjs", str(supergraph)) as url:
        yield url


@contextlib.contextmanager
def hive(project: Path, supergraph: Path) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    script = projects.package(project, "@graphql-hive/gateway") / "dist/bin.js"
    options = ("supergraph", str(supergraph), "-c", "hive.config.mjs", "-h", "127.0.0.1", "-p", str(port))
    with _announced(project, script, *options) as url:
        httpx.get(f"{url}/readiness", timeout=LIMIT).raise_for_status()
        yield f"{url}/graphql"


@contextlib.contextmanager
def _announced(project: Path, script: Path, *arguments: str) -> Iterator[str]:
    """A server that prints its address once it listens."""
    command = [projects.program("node"), str(script), *arguments]
    environ = {**projects.environment(), "NO_COLOR": "1"}
    with processes.started(command, seconds=LIFE, cwd=project, env=environ, stdout=PIPE) as process:
        assert process.stdout is not None
        found = (ADDRESS.search(line) for line in process.stdout)
        yield next(match[1] for match in found if match)
