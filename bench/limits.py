"""What it takes to refuse a document that is too large: each of them in under 20 ms of the event loop.

    python -m bench.limits

Each is sent through the gateway's door as a POST, in one process with it. Times are of the processor, so that a busy
machine does not count, and the median of some rounds; `make bench` writes them down.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from gateway.composition.app import create_app
from gateway.settings import Settings

ROUNDS = 9
TARGET = 20.0  # milliseconds


def doubled(levels: int, leaf: str) -> str:
    """2 ** levels of `leaf`, in two lines for each level."""
    spreads = [f"fragment A{at} on User {{ ...A{at + 1} ...A{at + 1} }}" for at in range(levels)]
    return "\n".join(['{ user(by: { id: "1" }) { ...A0 } }', *spreads, f"fragment A{levels} on User {{ {leaf} }}"])


def introspection(depth: int) -> str:
    return "{ __schema { types " + "{ fields { type " * depth + "{ name }" + " } }" * depth + " } }"


BOMBS: Mapping[str, str] = {
    "fragments doubled 40 times": doubled(40, "id"),
    "aliases, doubled 40 times": doubled(40, "a: id"),
    "directives, doubled 40 times": doubled(40, "id @skip(if: true)"),
    "1,000 aliases": "{ " + " ".join(f"a{at}: __typename" for at in range(1_000)) + " }",
    "20,000 tokens": "{" + " id" * 20_000 + "}",
    "10,000 directives": "{ __typename " + "@skip " * 10_000 + "}",
    "deep introspection": introspection(12),
    "500 brackets": "{ a" * 500,
    "90 kB of an unclosed string": '{ user(by: { id: "' + "x" * 90_000,
    "a comment of 900 kB": "{ __typename } #" + "x" * 900_000,
    "150 fragments in a chain": "{ ...A0 } fragment A150 on Query { __typename } "
    + " ".join(f"fragment A{at} on Query {{ ...A{at + 1} }}" for at in range(150)),
}


async def refusals() -> dict[str, float]:
    """Milliseconds for each bomb. Raises RuntimeError if one is run."""
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(Settings(data_dir=Path(folder)))
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client,
        ):
            return {name: await _milliseconds(client, document) for name, document in BOMBS.items()}


async def _milliseconds(client: httpx.AsyncClient, document: str) -> float:
    body = json.dumps({"query": document})
    times = []
    for _ in range(ROUNDS):
        began = time.process_time()
        response = await client.post("/graphql", content=body, headers={"content-type": "application/json"})
        times.append((time.process_time() - began) * 1e3)
        _check_refused(response.json(), document)
    return statistics.median(times)


def _check_refused(answer: dict[str, Any], document: str) -> None:
    codes = {error["extensions"]["code"] for error in answer.get("errors", ())}
    if not codes or answer.get("data"):
        raise RuntimeError(f"not refused: {document[:60]}")


def table(found: Mapping[str, float]) -> str:
    rows = [
        f"| {name} | {taken:.1f} | {'reached' if taken < TARGET else '**missed**'} |" for name, taken in found.items()
    ]
    head = [f"| refused | ms of the event loop | wanted: under {TARGET:.0f} |", "|---|---|---|"]
    return "\n".join([*head, *rows])


if __name__ == "__main__":
    print(table(asyncio.run(refusals())))
