"""A gateway whose metrics are scraped as Prometheus does, by a parser that is not the writer's."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from gateway.composition.monitoring import Monitoring
from gateway.http.routes.metrics import PATH, metrics_app
from gateway.metrics import exposition
from gateway.metrics.families import PREFIX
from gateway.settings import Settings
from tests.fakes.gateway import RunningGateway, Terms, WallClock, running_gateway

ADDRESS = "127.0.0.1", 0
ORIGIN = "http://127.0.0.1:9464"


@dataclass(frozen=True, slots=True)
class Page:
    """What one scrape shows."""

    text: str
    metrics: Mapping[str, Metric]

    @classmethod
    def of(cls, text: str) -> Page:
        return cls(text, {metric.name: metric for metric in text_string_to_metric_families(text)})

    def value(self, sample: str, **labels: str) -> float:
        """The sample with exactly these labels, by its name without the prefix; 0 for one that is not there."""
        (found,) = self.values(sample, **labels).values() or (0.0,)
        return found

    def values(self, sample: str, **labels: str) -> dict[tuple[str, ...], float]:
        """All samples that have these labels, by the values of the others."""
        return {
            tuple(value for name, value in sorted(one.labels.items()) if name not in labels): one.value
            for metric in self.metrics.values()
            for one in metric.samples
            if one.name == PREFIX + sample and labels.items() <= one.labels.items()
        }


@dataclass(frozen=True, slots=True)
class Measured:
    gateway: RunningGateway
    scraper: httpx.AsyncClient

    @property
    def monitoring(self) -> Monitoring:
        monitoring = self.gateway.parts.observers.monitoring
        assert monitoring is not None
        return monitoring

    async def scrape(self) -> Page:
        """The page after all samples."""
        for take in self.monitoring.samples(self.gateway.parts):
            take()
        for read in self.monitoring.slow_samples(self.gateway.parts):
            await read()
        return Page.of((await self.scraper.get(PATH)).text)


@contextlib.asynccontextmanager
async def measured(
    data_dir: Path,
    *,
    settings: Settings | None = None,
    clock: WallClock | None = None,
    clients: Mapping[str, Terms] | None = None,
    all_heard: bool = True,
) -> AsyncIterator[Measured]:
    settings = replace(settings or Settings(), metrics=ADDRESS)
    async with running_gateway(
        data_dir, settings=settings, clock=clock, clients=clients, all_heard=all_heard
    ) as gateway:
        await gateway.knows_its_balance()
        assert gateway.parts.observers.monitoring is not None
        app = metrics_app(exposition.of_process(gateway.parts.observers.monitoring.instruments.registry), ADDRESS[0])
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ORIGIN) as scraper:
            yield Measured(gateway, scraper)
