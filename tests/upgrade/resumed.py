"""A gateway of this tree on a recorded data directory, beside an upstream that was asked what the recorded one was.

No time that is recorded ages: gateway and upstream have a clock that goes on from the second at which the recording
ended. It runs faster than the machine's, as flows wait.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.clock import SystemClock
from gateway.commands.ledger import move
from gateway.composition.app import Gateway
from gateway.durable.encryption import JsonCipher, key_in
from gateway.durable.store import WorkflowStore
from gateway.settings import Settings
from tests.chaos.commands import Order
from tests.chaos.upstream import Made, made_of
from tests.durable.postgres import Cluster
from tests.fakes.served import served
from tests.upgrade import asking
from tests.upgrade.fixtures import DATA, DUMP, KeptFlow, Manifest, orders_of, unpack
from tests.upgrade.upstream import SteppedClock, published_in, replayed

ENDED = frozenset({"DONE", "FAILED", "CANCELLED"})
PATIENCE = 20.0  # seconds


@dataclass(slots=True)
class Resumed:
    """The flows after the resumption, by their numbers.

    `spent` is what each client had spent at the beginning. `repeated` are the responses to the same requests,
    `receipts` the ended flows, `retried` those that were retried then.
    """

    manifest: Manifest
    url: str
    settings: Settings
    made: Made
    orders: dict[int, Order]
    spent: dict[str, int] = field(default_factory=dict)
    repeated: dict[int, dict[str, Any]] = field(default_factory=dict)
    receipts: dict[int, dict[str, Any]] = field(default_factory=dict)
    retried: dict[int, dict[str, Any]] = field(default_factory=dict)

    def store(self) -> WorkflowStore:
        """A second way to the flows."""
        return WorkflowStore(
            self.settings.flows_url, JsonCipher(key_in(self.settings.data_dir)), SystemClock(), patience=PATIENCE
        )

    @property
    def stopped(self) -> list[KeptFlow]:
        """Those that were under way."""
        return [flow for flow in self.manifest.flows if flow.stop is not None and not flow.receipt]

    @property
    def data(self) -> Path:
        return self.settings.data_dir

    @property
    def ended(self) -> list[KeptFlow]:
        return [flow for flow in self.manifest.flows if flow.receipt]


@contextlib.contextmanager
def resumed(name: str, folder: Path, server: Cluster | None) -> Iterator[Resumed]:
    """Where each flow has ended, and those that can be retried have been."""
    manifest = unpack(name, folder)
    database = None if server is None else server.restore((folder / DUMP).read_text())
    clock = SteppedClock(manifest.at)
    app = asyncio.run(replayed(manifest.calls, clock, "http://sandbox.test"))
    clock.set(manifest.at)
    assert published_in(app) == manifest.published, "the sandbox makes something else of the recorded calls"
    given = _settings(manifest.dialect, folder / DATA, database)
    clock.run()
    with served(lambda url: app, lifespan=False) as upstream:
        given |= {"GATEWAY_HIKERAPI_URL": upstream, "GATEWAY_PLATFORM_URL": f"{upstream}/{manifest.dialect}"}
        settings = Settings.read(given)
        if database is not None:  # an earlier gateway had only the flows there
            assert move(settings, settings.database_path) == 0
        with served(lambda url: Gateway(settings, None, clock, url).app()) as url:
            made = Resumed(manifest, url, settings, Made({}, {}, {}), orders_of(manifest.flows))
            _carry_out(made)
            made.made = made_of(published_in(app))
            yield made


def _settings(dialect: str, data: Path, database: str | None) -> dict[str, str]:
    flows = {"GATEWAY_DATABASE_URL": database.replace("postgresql+psycopg:", "postgresql:")} if database else {}
    return flows | {
        "GATEWAY_HIKERAPI_KEY": "sandbox",  # pragma: allowlist secret
        "GATEWAY_PLATFORM_TOKEN": "sandbox",
        "GATEWAY_PLATFORM_DIALECT": dialect,
        "GATEWAY_PLATFORM_RATE": "200",
        "GATEWAY_DATA_DIR": str(data),
        "GATEWAY_CLIENTS_FILE": str(data / "clients.toml"),
    }


def _carry_out(made: Resumed) -> None:
    for client in made.manifest.accounts:
        (window,) = asking.told(asking.ask(made.url, asking.ALLOWANCE, client=client))["allowance"]["windows"]
        made.spent[client] = window["spent"]
    for flow in made.manifest.flows:
        order = made.orders[flow.number]
        answer = asking.ask(made.url, order.document, {"input": flow.input(order)}, files=order.files)
        made.repeated[flow.number] = answer.json()
    made.receipts = _until_ended(made.url, made.manifest.flows)
    again = [flow for flow in made.manifest.flows if made.receipts[flow.number]["retryable"]]
    for flow in again:
        asking.told(asking.ask(made.url, asking.RETRY, {"id": flow.flow}))
    made.retried = _until_ended(made.url, again)
    for number, receipt in (made.receipts | made.retried).items():
        order = made.orders[number]
        order.warnings = receipt["warnings"]
        order.media = [medium for place, medium in enumerate(order.media) if place not in receipt["skipped"]]
        if order.makes and receipt["highlight"]:
            order.pk = receipt["highlight"]["pk"]


def _until_ended(url: str, flows: list[KeptFlow]) -> dict[int, dict[str, Any]]:
    """The receipts; those that have not ended in time are told as they stand."""
    receipts: dict[int, dict[str, Any]] = {}
    give_up = time.monotonic() + PATIENCE
    left = list(flows)
    while left:
        receipts |= {flow.number: asking.receipt(url, flow.flow) for flow in left}
        if time.monotonic() > give_up:
            break
        left = [flow for flow in left if receipts[flow.number]["state"] not in ENDED]
    return receipts
