"""What it takes to price an operation: the largest of `queries/`, cold, when its tray is known, and warm.

    python -m bench.price

A price has to be told in 5 ms. Times are of the processor, so that a busy machine does not count. Beside each
stands how often the same operation's answer could have been encoded as JSON meanwhile: that compares between machines.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from gateway.clock import SystemClock
from gateway.composition.app import Gateway
from gateway.http.request_options import RequestOptions
from gateway.settings import Settings
from schema.context import Context

ROUNDS = 31
DOCUMENT = (Path(__file__).parents[1] / "queries" / "tray_with_items.graphql").read_text()
TRAY = "query ($username: String!) { user(by: { username: $username }) { highlights { totalCount } } }"
VARIABLES = {"username": "thirty.highlights"}
ANYBODY = RequestOptions(key=None, limit=None, explains=False)
TARGET = 5.0  # milliseconds


async def milliseconds(action: Callable[[], Awaitable[object]]) -> float:
    async def once() -> float:
        started = time.process_time()
        await action()
        return (time.process_time() - started) * 1e3

    return statistics.median([await once() for _ in range(ROUNDS)])


async def run(gateway: Gateway, document: str) -> Any:
    context = gateway.contexts.of(ANYBODY)
    result = await gateway.operations.schema.execute(document, VARIABLES, context_value=context)
    assert not result.errors, result.errors
    return result.data


async def quote(context: Context) -> object:
    return await context.quote(DOCUMENT, VARIABLES, None)


async def encoded(answer: object) -> str:
    return json.dumps(answer)


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder), hikerapi_rate=1e6)
        gateway = Gateway(settings, None, SystemClock(), "http://127.0.0.1:8000")
        await quote(gateway.contexts.of(ANYBODY))  # the document is parsed and validated once, not once for each price
        times = {"cold": await milliseconds(lambda: quote(gateway.contexts.of(ANYBODY)))}
        await run(gateway, TRAY)
        times["tray known"] = await milliseconds(lambda: quote(gateway.contexts.of(ANYBODY)))
        answer = await run(gateway, DOCUMENT)
        times["warm"] = await milliseconds(lambda: quote(gateway.contexts.of(ANYBODY)))
        encoding = await milliseconds(lambda: encoded(answer))
        for state, taken in times.items():
            verdict = "reached" if taken < TARGET else "missed"
            print(f"{state:10} {taken:6.2f} ms, {taken / encoding:5.1f} answers encoded, target {verdict}")
        await gateway.reading.services.api.aclose()
        gateway.spending.ledger.close()


if __name__ == "__main__":
    asyncio.run(main())
