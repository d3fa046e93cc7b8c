"""Clients that send the same order again, and at once, and to whichever gateway, until it is carried out."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Sequence
from typing import Any, Protocol

import httpx

from tests.chaos.commands import Order
from tests.chaos.upstream import Upstream

WAITS = (0, 0, 1, 3)
COPIES = (1, 1, 2, 3)
TIMEOUT = 20.0
ENDED = frozenset({"DONE", "FAILED", "CANCELLED"})
# A reverse proxy could not reach a gateway, or got no answer of it.
UNREACHED = frozenset({502, 504})
# What a client may be told while a gateway, its store or its upstream is in trouble: it was not begun, ask again.
TRANSIENT = frozenset({"FLOWS_UNAVAILABLE", "UPSTREAM_UNAVAILABLE", "UPSTREAM_TIMEOUT", "UPSTREAM_RATE_LIMITED"})


class Entrance(Protocol):
    """Where a client's requests go: a gateway, or what stands before several."""

    @property
    def url(self) -> str: ...

    @property
    def is_ready(self) -> bool: ...

    def kill(self, where: str) -> None: ...


class Clients:
    """`wrong` is what no client should ever hear, `heard` every answer as it came."""

    def __init__(
        self, gateways: Sequence[Entrance], upstream: Upstream, dice: random.Random, key: str | None = None
    ) -> None:
        """`key` is that of the gateways' client, where they know clients."""
        headers = {} if key is None else {"x-api-key": key}
        limits = httpx.Limits(max_connections=None, keepalive_expiry=2.0)
        self._gateways = gateways
        self._upstream = upstream
        self._dice = dice
        self._http = httpx.AsyncClient(headers=headers, timeout=TIMEOUT, limits=limits)
        self._bases: list[Order] = []
        self.wrong: list[str] = []
        self.heard: list[str] = []
        self.sent = 0

    async def aclose(self) -> None:
        await self._http.aclose()

    async def serve(self, order: Order, delay: float) -> None:
        """Until the order is carried out; a client that walks away only until it is acknowledged."""
        await asyncio.sleep(delay)
        stories = await self._with_base(order) if order.is_derived else []
        while True:
            copies = [
                self._send(order, stories, self._some(), self._dice.choice(WAITS))
                for _ in range(self._dice.choice(COPIES))
            ]
            states = [state for state in await asyncio.gather(*copies) if state is not None]
            if states and (order.walks_away or (ENDED & set(states) and (order.pk or not order.makes))):
                break
            await asyncio.sleep(self._dice.uniform(0.05, 0.5))
        if order.may_be_a_base:
            self._bases.append(order)

    async def acknowledged(self, gateway: Entrance, orders: Sequence[Order]) -> None:
        """Each once, by this gateway."""
        await asyncio.gather(*(self._send(order, (), gateway, 0) for order in orders))

    async def flows(self, orders: Sequence[Order]) -> dict[int, dict[str, Any]]:
        """The flows of the orders as a gateway tells them, those that could be had."""
        fields = "{ state error { code message } warnings highlight { pk } }"
        asked = " ".join(f'f{order.number}: flow(id: "{order.flow}") {fields}' for order in orders)
        data = await self._ask(self._some(), {"query": f"{{ {asked} }}"}, {})
        return {order.number: data[f"f{order.number}"] for order in orders} if data else {}

    async def ask(self, gateway: Entrance, query: str) -> dict[str, Any]:
        """Of a gateway that is not killed any more."""
        answer = (await self._http.post(f"{gateway.url}/graphql", json={"query": query})).json()
        if "errors" in answer:
            self.wrong.append(f"in the end: {answer['errors']}")
        return dict(answer["data"] or {})

    async def _with_base(self, order: Order) -> list[str]:
        """The stories in the base, in their order."""
        while not self._bases:  # noqa: ASYNC110 (it is a matter of other clients, and of whole processes)
            await asyncio.sleep(0.1)
        order.base = self._bases.pop(0)
        return await self._upstream.stories_of(str(order.base.pk))

    async def _send(self, order: Order, stories: Sequence[str], gateway: Entrance, wait: int) -> str | None:
        """The flow's state, if there was an answer."""
        given = order.input(stories) | {"waitSeconds": wait}
        self.sent += 1
        asked = {"query": order.document, "variables": {"input": given}}
        data = await self._ask(gateway, asked, order.files)
        if not data or not data["done"]:
            return None
        payload = data["done"]
        if payload["userErrors"]:
            self.wrong.append(f"{order.key} was refused: {payload['userErrors']}")
            return None
        flow = payload["flow"]
        if order.flow not in (None, flow["id"]):
            self.wrong.append(f"{order.key} has two flows")
        order.flow = flow["id"]
        order.pk = flow["highlight"]["pk"] if order.makes and flow["highlight"] else order.pk
        if order.kills:
            order.kills = False
            gateway.kill("when it has acknowledged")
        return str(flow["state"])

    async def _ask(self, gateway: Entrance, asked: dict[str, Any], files: dict[str, bytes]) -> dict[str, Any] | None:
        """None where there is no answer, or none yet."""
        try:
            response = await self._http.post(f"{gateway.url}/graphql", **_form(asked, files))
        except httpx.HTTPError:
            return None
        if response.status_code in UNREACHED:
            return None
        self.heard.append(response.text)
        answer = response.json()
        codes = {error.get("extensions", {}).get("code") for error in answer.get("errors", ())}
        if codes - TRANSIENT:
            self.wrong.append(f"{response.status_code}: {answer['errors']}")
        return dict(answer["data"]) if answer.get("data") else None

    def _some(self) -> Entrance:
        """One that is up, if there is one; who is up may be down a moment later."""
        up = [gateway for gateway in self._gateways if gateway.is_ready]
        return self._dice.choice(up or self._gateways)


def _form(asked: dict[str, Any], files: dict[str, bytes]) -> dict[str, Any]:
    if not files:
        return {"json": asked}
    places = {place: [f"variables.input.media.{place}.file"] for place in files}
    return {
        "data": {"operations": json.dumps(asked), "map": json.dumps(places)},
        "files": {place: (f"{place}.jpg", data) for place, data in files.items()},
        "headers": {"graphql-require-preflight": "1"},
    }
