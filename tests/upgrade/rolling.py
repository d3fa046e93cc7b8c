"""Gateways of two versions on one data directory, behind a load balancer, and clients that notice nothing of it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import re
import subprocess
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from gateway.sandbox.world import POPULATION, World
from tests import fork_server, processes
from tests.commands.process import environment
from tests.ports import free_port
from tests.upgrade.asking import RECEIPT

LOOK = 0.1  # seconds
PATIENCE = 120.0  # seconds, on a busy machine
READERS = 3
CREATE = """mutation($input: CreateHighlightInput!) {
  done: createHighlight(input: $input) { flow { id } userErrors { code } }
}"""
TRAY = "query Tray($id: ID!) { user(by: { id: $id }) { highlights { totalCount } } }"
DRAIN = {"GATEWAY_DRAIN_SECONDS": "1"}


class Gateway:
    """A process of one version: of the tree's, or of the one with the given `command`.

    `log` holds what it wrote when it has ended.
    """

    def __init__(self, name: str, settings: Mapping[str, str], folder: Path, command: Sequence[str] = ()) -> None:
        self.name = name
        self.port = free_port()
        self.log = folder / f"{name}.log"
        self.is_present = not command
        self.is_up = False
        self.in_progress = 0
        self._command = command
        self._environment = environment({**settings, **(DRAIN if self.is_present else {})})
        self._stack = contextlib.ExitStack()
        self._process: subprocess.Popen[str] | fork_server.Forked | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def code(self) -> int | None:
        """The exit code; None while it lives."""
        assert self._process is not None
        return self._process.poll()

    def start(self) -> None:
        words = ["serve", "--port", str(self.port)]
        if self._command:
            log = self._stack.enter_context(self.log.open("wb"))
            options = {"env": self._environment, "stdout": log, "stderr": subprocess.STDOUT, "cwd": "/"}
            self._process = self._stack.enter_context(processes.group([*self._command, *words], **options))
        else:
            self._process = forked = fork_server.start(words, self._environment, self.log)
            self._stack.callback(forked.close)
            self._stack.callback(forked.wait)
            self._stack.callback(forked.kill_group)

    async def end(self) -> int:
        """The exit code after SIGTERM."""
        assert self._process is not None
        self._process.terminate()
        async with asyncio.timeout(PATIENCE):
            while (code := self.code) is None:  # noqa: ASYNC110 (another process says it)
                await asyncio.sleep(LOOK)
        return code

    def close(self) -> None:
        self._stack.close()

    def flows(self, event: str) -> set[str]:
        """The ids of the flows of which its log has the event, in the format of either version."""
        return set(re.findall(rf"\b{event}\b.* flow=(\S+)", self.log.read_text()))


class Balancer:
    """Sends each request to a gateway whose `/readyz` is 200, in turns, and repeats none."""

    def __init__(self, key: str) -> None:
        self.gateways: list[Gateway] = []
        self._turns = itertools.count()
        # A connection for each request: none is open in a gateway that ends between two of them.
        limits = httpx.Limits(max_keepalive_connections=0)
        self._client = httpx.AsyncClient(timeout=PATIENCE, limits=limits, headers={"x-api-key": key})

    async def aclose(self) -> None:
        await self._client.aclose()
        for gateway in self.gateways:
            gateway.close()

    async def watch(self) -> None:
        while True:
            for gateway in self.gateways:
                gateway.is_up = await self._is_ready(gateway)
            await asyncio.sleep(LOOK)

    async def add(self, gateway: Gateway) -> None:
        gateway.start()
        self.gateways.append(gateway)
        async with asyncio.timeout(PATIENCE):
            while not gateway.is_up:
                assert gateway.code is None, gateway.log.read_text()
                await asyncio.sleep(LOOK)

    async def remove(self, gateway: Gateway) -> int:
        """The exit code. A gateway that does not drain is taken out first, and has no request in progress then."""
        if not gateway.is_present:
            self.gateways.remove(gateway)
            while gateway.in_progress:  # noqa: ASYNC110 (the requests are those of other tasks)
                await asyncio.sleep(LOOK)
        code = await gateway.end()
        with contextlib.suppress(ValueError):
            self.gateways.remove(gateway)
        gateway.close()
        return code

    async def ask(self, document: str, variables: Mapping[str, Any], to: Gateway | None = None) -> httpx.Response:
        up = [gateway for gateway in self.gateways if gateway.is_up]
        gateway = to or up[next(self._turns) % len(up)]
        gateway.in_progress += 1
        try:
            asked = {"query": document, "variables": dict(variables)}
            return await self._client.post(f"{gateway.url}/graphql", json=asked)
        finally:
            gateway.in_progress -= 1

    async def _is_ready(self, gateway: Gateway) -> bool:
        try:
            is_ready = (await self._client.get(f"{gateway.url}/readyz?strict")).status_code == 200
            return is_ready and (gateway.is_present or await self._knows_accounts(gateway))
        except httpx.HTTPError:
            return False

    async def _knows_accounts(self, gateway: Gateway) -> bool:
        """The earlier gateway calls itself ready before it can publish."""
        answer = await self._client.post(f"{gateway.url}/graphql", json={"query": "{ accounts { id } }"})
        return bool(answer.json().get("data", {}).get("accounts"))


@dataclass
class Load:
    """What clients asked, and what was wrong with an answer. `charged` is what the answers said that was billed."""

    balancer: Balancer
    charged: int = 0
    answered: int = 0
    wrong: list[str] = field(default_factory=list)
    flows: dict[str, str] = field(default_factory=dict)
    """The id of each flow by its title."""
    _users: Any = field(default_factory=lambda: itertools.cycle(public_users()))
    _dice: random.Random = field(default_factory=lambda: random.Random(1))

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Readers, as long as the context lasts; each operation is finished."""
        over = asyncio.Event()
        readers = [asyncio.create_task(self._read_until(over)) for _ in range(READERS)]
        try:
            yield
        finally:
            over.set()
            await asyncio.gather(*readers)

    async def publish(self, *titles: str, to: Gateway | None = None) -> None:
        """Each is ordered twice, of whichever gateway, and is one flow."""
        for title in titles:
            given = {
                "account": "787132",
                "title": title,
                "media": [{"url": f"https://media.test/{title}.jpg"}],
                "idempotencyKey": title,
                "waitSeconds": 0,
            }
            first = await self._flow(given, to)
            if (again := await self._flow(given, None)) != first:
                self.wrong.append(f"{title} is {first} and {again}")
            self.flows[title] = first

    async def receipts(self) -> dict[str, dict[str, Any]]:
        """By title, when all flows have ended."""
        assert all(self.flows.values()), self.wrong
        async with asyncio.timeout(PATIENCE):
            while True:
                found = {title: await self._receipt(id) for title, id in self.flows.items()}
                if all(receipt["state"] in ("DONE", "FAILED", "CANCELLED") for receipt in found.values()):
                    return found
                await asyncio.sleep(LOOK)

    async def _read_until(self, over: asyncio.Event) -> None:
        while not over.is_set():
            await self._checked(TRAY, {"id": str(next(self._users))})
            await asyncio.sleep(self._dice.uniform(0.0, 3 * LOOK))

    async def _flow(self, given: Mapping[str, Any], to: Gateway | None) -> str:
        data = await self._checked(CREATE, {"input": given}, to)
        return str(data["done"]["flow"]["id"]) if data else ""

    async def _receipt(self, id: str) -> dict[str, Any]:
        data = await self._checked(RECEIPT, {"id": id})
        return dict(data.get("flow") or {"state": "unknown"})

    async def _checked(self, document: str, variables: Mapping[str, Any], to: Gateway | None = None) -> dict[str, Any]:
        try:
            response = await self.balancer.ask(document, variables, to)
        except httpx.HTTPError as problem:
            self.wrong.append(f"{type(problem).__name__}: {problem}")
            return {}
        answer = response.json()
        self.answered += 1
        self.charged += int(response.headers.get("x-billed-requests", "0"))
        if "errors" in answer or not answer.get("data"):
            self.wrong.append(f"{response.status_code}: {answer}")
        return dict(answer.get("data") or {})


def public_users() -> list[int]:
    """The ids of users whose lists the sandbox shows: each is bought once, and then may come from a cache."""
    world = World()
    return [user.pk for user in map(world.user, range(POPULATION)) if not user.is_private]
