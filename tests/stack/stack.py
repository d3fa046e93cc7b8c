"""Several gateways behind nginx with one PostgreSQL, Redis and object storage, and Prometheus: without containers."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.durable.postgres import Cluster, cluster
from tests.object_storage.server import BUCKET
from tests.object_storage.server import settings as storage_settings
from tests.ports import HERE, free_port
from tests.stack.members import Member, running
from tests.stack.services import gateway, nginx, objects, prometheus, redis, sandbox, way_to_objects

KEY = "sandbox"


@dataclass(frozen=True, slots=True)
class Ports:
    """Those of nginx, of the gateways and their metrics, and of the others."""

    front: int
    gateways: tuple[int, ...]
    metrics: tuple[int, ...]
    redis: int
    objects: int
    way_to_objects: int
    sandbox: int
    prometheus: int

    @classmethod
    def free(cls, instances: int, front: int | None = None) -> Ports:
        gateways, metrics = (tuple(free_port() for _ in range(instances)) for _ in range(2))
        others = [free_port() for _ in range(5)]
        return cls(front or free_port(), gateways, metrics, others[0], others[1], others[2], others[3], others[4])

    @classmethod
    def fixed(cls, instances: int, front: int) -> Ports:
        """Return ports that are the same at each start: those of the gateways follow that of nginx."""
        gateways = tuple(front + 1 + number for number in range(instances))
        metrics = tuple(9464 + number for number in range(instances))
        first = front + instances + 1
        return cls(front, gateways, metrics, first, first + 1, first + 2, first + 3, 9090)


@dataclass(frozen=True, slots=True)
class Stack:
    """All members run. `folder` has their data, configurations and logs."""

    folder: Path
    ports: Ports
    postgres: Cluster
    redis: Member
    objects: Member
    way_to_objects: Member
    gateways: tuple[Member, ...]
    nginx: Member
    settings: tuple[Mapping[str, str], ...]
    """Those of each gateway."""

    @property
    def url(self) -> str:
        return f"http://{HERE}:{self.ports.front}"

    @property
    def sandbox(self) -> str:
        return f"http://{HERE}:{self.ports.sandbox}"

    def direct(self, number: int) -> str:
        """Return the URL of one gateway, past nginx."""
        return f"http://{HERE}:{self.ports.gateways[number]}"

    def addresses(self) -> Iterator[tuple[str, str]]:
        """Yield the name and the address of each part."""
        yield "gateway", self.url
        for number, member in enumerate(self.gateways):
            yield member.name, f"{self.direct(number)}  metrics http://{HERE}:{self.ports.metrics[number]}/metrics"
        yield "prometheus", f"http://{HERE}:{self.ports.prometheus}"
        yield "sandbox", self.sandbox
        yield "redis", f"redis-cli -p {self.ports.redis}"
        yield "objects", f"http://{HERE}:{self.ports.objects}  bucket {BUCKET}"
        yield "postgresql", f"psql -h {self.postgres.folder} -U postgres"


@contextlib.contextmanager
def stack(folder: Path, ports: Ports, **more: str) -> Iterator[Stack]:
    """Start the members one after the other, and end them in the opposite order. `more` are settings of gateways.

    Skips, as a test would, where a program is not installed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as members:
        server = members.enter_context(cluster())
        cache = members.enter_context(running(redis(folder, ports.redis)))
        storage = members.enter_context(running(objects(folder, ports.objects)))
        way = members.enter_context(running(way_to_objects(folder, ports.way_to_objects, ports.objects)))
        httpx.put(f"http://{HERE}:{ports.objects}/{BUCKET}", trust_env=False).raise_for_status()
        members.enter_context(running(sandbox(folder, ports.sandbox)))
        url = server.create().replace("postgresql+psycopg:", "postgresql:")
        settings = tuple(_settings(folder, ports, number, url) | more for number in range(len(ports.gateways)))
        gateways = [
            gateway(f"gateway-{number + 1}", folder, port, settings[number])
            for number, port in enumerate(ports.gateways)
        ]
        front = nginx(folder, ports.front, ports.gateways)
        watcher = prometheus(folder, ports.prometheus, [f"{HERE}:{port}" for port in ports.metrics])
        for member in (*gateways, front, watcher):
            members.enter_context(running(member))
        yield Stack(folder, ports, server, cache, storage, way, tuple(gateways), front, settings)


def data_directory(folder: Path, number: int) -> Path:
    """Return that of one gateway."""
    return folder / f"data-{number + 1}"


def _settings(folder: Path, ports: Ports, number: int, database: str) -> dict[str, str]:
    url = f"http://{HERE}:{ports.sandbox}"
    return {
        "GATEWAY_HIKERAPI_URL": url,
        "GATEWAY_HIKERAPI_KEY": KEY,
        "GATEWAY_PLATFORM_URL": f"{url}/platform",
        "GATEWAY_PLATFORM_TOKEN": KEY,
        "GATEWAY_DATABASE_URL": database,
        "GATEWAY_REDIS_URL": f"redis://{HERE}:{ports.redis}/0",
        **storage_settings(f"http://{HERE}:{ports.way_to_objects}"),
        "GATEWAY_DATA_DIR": str(data_directory(folder, number)),
        "GATEWAY_METRICS": f"{HERE}:{ports.metrics[number]}",
        "GATEWAY_PUBLIC_URL": f"http://{HERE}:{ports.front}",
        "GATEWAY_TRUSTED_PROXIES": HERE,
    }
