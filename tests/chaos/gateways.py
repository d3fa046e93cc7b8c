"""A gateway process that is started again a moment after each death."""

from __future__ import annotations

import asyncio
import random
import signal
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import httpx

from tests import fork_server
from tests.commands.process import environment
from tests.fork_server import Forked
from tests.ports import free_port

LONGEST_PAUSE = 0.5
# How long a start takes, and so within which time one is killed that is to die while it starts.
STARTING = 0.2
LOOK = 0.05
PATIENCE = 30.0


class Gateway:
    """`starts_to_kill` is how many of its later starts do not live to their end."""

    def __init__(
        self,
        name: str,
        settings: Mapping[str, str],
        log: Path,
        dice: random.Random,
        *,
        starts_to_kill: int = 0,
    ) -> None:
        self.name = name
        self.port = free_port()
        self.kills: Counter[str] = Counter()
        self.strange: list[int] = []
        self.is_ready = False
        self._settings = settings
        self._log = log
        self._dice = dice
        self._starts_to_kill = starts_to_kill
        self._child: Forked | None = None
        self._ended: asyncio.Task[int] | None = None
        self._retired = False
        self._http = httpx.AsyncClient()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def is_alive(self) -> bool:
        return self._child is not None and self._child.poll() is None

    async def live(self) -> None:
        """Until it is retired."""
        is_first = True
        while not self._retired:
            self._child = child = await asyncio.to_thread(self._start)
            self._ended = asyncio.create_task(child.ended())
            looking = asyncio.create_task(self._look(child))
            if not is_first and self._starts_to_kill:
                self._starts_to_kill -= 1
                asyncio.get_running_loop().call_later(self._dice.uniform(0.0, STARTING), self._kill_starting, child)
            is_first = False
            code = await self._ended
            self.is_ready = False
            await looking
            child.close()
            if code != -signal.SIGKILL and not self._retired:
                self.strange.append(code)
            await asyncio.sleep(self._dice.uniform(0.0, LONGEST_PAUSE))
        await self._http.aclose()

    def kill(self, where: str) -> None:
        """-9, unless it is dead already."""
        if self._child is not None and self.is_alive:
            self._child.kill()
            self.is_ready = False
            self.kills[where] += 1

    def signal(self, number: int) -> None:
        assert self._child is not None
        self._child.send_signal(number)

    def kill_for_good(self, where: str) -> None:
        self._retired = True
        self.kill(where)

    async def end(self) -> int:
        """The exit code after SIGTERM."""
        self._retired = True
        assert self._child is not None
        assert self._ended is not None
        self._child.terminate()
        return await asyncio.wait_for(asyncio.shield(self._ended), PATIENCE)

    async def ready(self) -> None:
        async with asyncio.timeout(PATIENCE):
            while not self.is_ready:  # noqa: ASYNC110 (another process says it)
                await asyncio.sleep(LOOK)

    def _start(self) -> Forked:
        """Without the measuring of coverage: of what is killed nothing would be left but halves of its files."""
        given = {name: value for name, value in environment(self._settings).items() if not name.startswith("COV")}
        return fork_server.start(["serve", "--port", str(self.port)], given, self._log)

    async def _look(self, child: Forked) -> None:
        """Ends with the child and is never cancelled: a connection that is given up while it is made stays open."""
        while child.poll() is None and not self.is_ready:
            await asyncio.sleep(LOOK)
            self.is_ready = await self._says_ready() and child.poll() is None

    async def _says_ready(self) -> bool:
        try:
            return (await self._http.get(f"{self.url}/readyz?strict")).status_code == 200
        except httpx.HTTPError:
            return False

    def _kill_starting(self, child: Forked) -> None:
        if child is self._child and not self.is_ready:
            self.kill("while it starts")
