"""A process that runs flows, to be killed: `python -m tests.durable.worker URL DIRECTORY [BODY [DATA LEASE]]`.

With a data directory of its own it stands for another host, and has its flows for so many seconds.

It says `ready`, then obeys its lines: `start ID INPUT`, answered by the flow's status or an error's code. Each of its
steps writes its name into `effects` once it has taken effect outside, and then waits as long as there is a file
`hold-NAME`: who kills it there kills it after the upstream accepted and before anybody wrote that down.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
from pathlib import Path

from gateway.clock import SystemClock
from gateway.durable.engine import DbosDurable
from gateway.durable.port import Json, Run, Step
from gateway.errors import GatewayError
from gateway.events import ignore

NAMES = ("first", "second", "third")
EFFECTS = "effects"
WEEK = 7 * 86_400.0


def step(folder: Path, flow: str, name: str) -> Step:
    async def act() -> Json:
        with (folder / EFFECTS).open("a") as effects:
            effects.write(f"{flow} {name} {os.getpid()}\n")
        while (folder / f"hold-{name}").exists():  # noqa: ASYNC110 (the event is outside this process)
            await asyncio.sleep(0.01)
        return name

    return Step(name, act, is_counted=True)


def body_in(folder: Path):  # type: ignore[no-untyped-def]
    async def body(run: Run, input: Json) -> Json:
        return [await run.step(step(folder, run.id, name)) for name in NAMES]

    return body


def late_body_in(folder: Path):  # type: ignore[no-untyped-def]
    def late(run: Run, name: str) -> Step:
        async def act() -> Json:
            """Waits first, and then looks whether it may still take effect."""
            (folder / f"reached-{name}").touch()
            while (folder / f"hold-{name}").exists():  # noqa: ASYNC110 (the event is outside this process)
                await asyncio.sleep(0.01)
            run.check_lease()
            with (folder / EFFECTS).open("a") as effects:
                effects.write(f"{run.id} {name} {os.getpid()}\n")
            return name

        return Step(name, act)

    async def body(run: Run, input: Json) -> Json:
        return [await run.step(late(run, name)) for name in NAMES]

    return body


def edited_body_in(folder: Path):  # type: ignore[no-untyped-def]
    async def body(run: Run, input: Json) -> Json:
        """Another source, the same steps."""
        results = []
        for name in NAMES:
            results.append(await run.step(step(folder, run.id, name)))  # noqa: PERF401 (another source)
        return results

    return body


def engine(url: str, folder: Path) -> DbosDurable:
    return DbosDurable(url, folder, clock=SystemClock(), hook=ignore, dice=random.Random(1), retention=WEEK)


def engine_of_host(url: str, data: Path, lease: float) -> DbosDurable:
    return DbosDurable(
        url,
        data,
        clock=SystemClock(),
        hook=ignore,
        dice=random.Random(1),
        retention=WEEK,
        key=lambda: b"k" * 32,
        lease=lease,
    )


async def main(durable: DbosDurable, body: object) -> None:
    durable.define("body", body)  # type: ignore[arg-type]
    await durable.launch()
    print("ready", flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        _, id, input = line.split()
        try:
            print((await durable.start("body", id, input)).status.name, flush=True)
        except GatewayError as error:
            print(error.code, flush=True)
    await durable.aclose()


if __name__ == "__main__":
    BODIES = {"edited": edited_body_in, "late": late_body_in, "usual": body_in}
    url, folder, body, *host = [*sys.argv[1:], "usual"] if len(sys.argv) == 3 else sys.argv[1:]
    made = engine_of_host(url, Path(host[0]), float(host[1])) if host else engine(url, Path(folder))
    asyncio.run(main(made, BODIES[body](Path(folder))))
