"""Two subgraphs and a router, each its own process on its own port."""

from __future__ import annotations

import contextlib
import socket
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL, PIPE
from typing import Any

import httpx
import pytest

from tests import processes
from tests.federation.brands.graph import SCHEMA
from tests.meta.tree import ROOT
from tests.node import projects
from tests.robustness.processes import Server, gateway, sandbox

SUBGRAPH = ROOT / "schema/schema.graphql"
LIMIT = 60.0
# Of the servers of one package, in seconds.
LIFE = 400.0


@dataclass(frozen=True, slots=True)
class Asked:
    """What a router answered, and what that took of the read upstream."""

    answer: dict[str, Any]
    headers: httpx.Headers
    calls: dict[str, int]
    billed: int


@dataclass(frozen=True, slots=True)
class Supergraph:
    """A router before the gateway and the brands, which can be asked."""

    url: str
    upstream: Server

    def ask(self, query: str, **variables: Any) -> Asked:
        """With a cold upstream meter; what the gateway remembers of earlier questions stays."""
        httpx.post(f"{self.upstream.url}/_control/reset", timeout=LIMIT).raise_for_status()
        body = {"query": query, "variables": variables}
        response = httpx.post(self.url, json=body, headers={"graphql-require-preflight": "1"}, timeout=LIMIT)
        meter = httpx.get(f"{self.upstream.url}/_control/meter", timeout=LIMIT).json()
        calls = {path: count for path, count in meter["calls"].items() if path != "/sys/balance" and count}
        return Asked(response.json(), response.headers, calls, meter["total_billed"])


@pytest.fixture(scope="package")
def routers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return projects.installed(projects.ROUTERS, tmp_path_factory.mktemp("routers"))


@pytest.fixture(scope="package")
def brands() -> Iterator[str]:
    command = [sys.executable, "-m", "tests.federation.brands"]
    with _announced(command, ROOT) as url:
        yield url


@pytest.fixture(scope="package")
def brands_sdl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("brands") / "brands.graphql"
    path.write_text(SCHEMA.as_str())
    return path


@pytest.fixture(scope="package")
def compose(routers: Path, brands_sdl: Path) -> Callable[..., str]:
    """compose(composer, highlights URL, brands URL, subgraph?) -> the supergraph, or AssertionError with the errors."""

    def composed(composer: str, highlights: str, brands: str, subgraph: Path = SUBGRAPH) -> str:
        ours = f"highlights={highlights}={subgraph}"
        return projects.run(routers, "compose.mjs", composer, ours, f"brands={brands}={brands_sdl}")

    return composed


@contextlib.contextmanager
def before(
    router: Callable[[Path, Path], contextlib.AbstractContextManager[str]],
    composer: str,
    *,
    routers: Path,
    brands: str,
    compose: Callable[..., str],
    folder: Path,
) -> Iterator[Supergraph]:
    with sandbox() as upstream, gateway(upstream, folder) as highlights:
        supergraph = folder / "supergraph.graphql"
        supergraph.write_text(compose(composer, f"{highlights.url}/graphql", brands))
        with router(routers, supergraph) as url:
            yield Supergraph(url, upstream)


@contextlib.contextmanager
def apollo(project: Path, supergraph: Path) -> Iterator[str]:
    with _announced([projects.program("node"), "apollo.mjs", str(supergraph)], project) as url:
        yield url


@contextlib.contextmanager
def hive(project: Path, supergraph: Path) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    script = projects.package(project, "@graphql-hive/gateway") / "dist/bin.js"
    options = ["supergraph", str(supergraph), "-c", "hive.config.mjs", "-h", "127.0.0.1", "-p", str(port)]
    command = [projects.program("node"), str(script), *options]
    with processes.started(command, seconds=LIFE, cwd=project, env=projects.environment(), stdout=DEVNULL):
        url = f"http://127.0.0.1:{port}"
        _until_ready(f"{url}/readiness")
        yield f"{url}/graphql"


def _until_ready(url: str) -> None:
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(url, timeout=LIMIT).is_success:
                return
    raise AssertionError(f"{url} is not ready")


@contextlib.contextmanager
def _announced(command: list[str], folder: Path) -> Iterator[str]:
    """A server that prints its address once it listens."""
    with processes.started(command, seconds=LIFE, cwd=folder, env=projects.environment(), stdout=PIPE) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert url.startswith("http"), f"{command[1]} says {url!r} instead of its address"
        yield url
