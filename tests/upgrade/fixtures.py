"""What stands in a fixture: a data directory, what was asked of the upstream, and what has to come of it."""

from __future__ import annotations

import io
import lzma
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from tests.chaos.commands import CREATE, DELETE, UPDATE, Medium, Order

RECORDED = Path(__file__).parent / "recorded"
MANIFEST, DUMP, DATA = "manifest.json", "flows.sql", "data"
NAMES = ("platform-sqlite", "aiograpi-sqlite", "platform-postgresql")
DOCUMENTS = {"create": CREATE, "update": UPDATE, "delete": DELETE}


class Call(msgspec.Struct, frozen=True):
    """One request that the upstream worked on, at a Unix second."""

    at: float
    method: str
    path: str
    query: str
    headers: list[tuple[str, str]]
    body: bytes


class KeptMedium(msgspec.Struct, frozen=True):
    """One of both."""

    url: str | None = None
    data: bytes | None = None


class KeptFlow(msgspec.Struct):
    """One request of a client, and how its flow stood at the end.

    `stop` says where its gateway was killed; `receipt` is what a flow told that had ended. `stories` are those that a
    derived one names; `more` goes into the input as it is.
    """

    number: int
    kind: str
    title: str
    media: list[KeptMedium]
    base: int | None = None
    stories: list[str] = []
    more: dict[str, Any] = {}
    stop: str | None = None
    flow: str = ""
    pk: str | None = None
    receipt: dict[str, Any] = {}

    def order(self, orders: Mapping[int, Order]) -> Order:
        """`orders` holds its base."""
        media = [Medium(medium.url, medium.data) for medium in self.media]
        base = None if self.base is None else orders[self.base]
        document = DOCUMENTS[self.kind]
        return Order(self.number, document, self.title, media, base is not None, base, flow=self.flow, pk=self.pk)

    def input(self, order: Order) -> dict[str, Any]:
        return order.input(self.stories) | {"waitSeconds": 0} | self.more


class Account(msgspec.Struct, frozen=True):
    """What the answers to a client said that it spent. What a gateway had leased that was killed counts, too."""

    limit: int
    billed: int
    was_killed: bool


class Manifest(msgspec.Struct):
    """`at` is the Unix second of the end; `published` is what the upstream told of itself then."""

    revision: str
    dialect: str
    at: float
    flows: list[KeptFlow]
    accounts: dict[str, Account]
    published: dict[str, Any]
    calls: list[Call]


def orders_of(flows: Iterable[KeptFlow]) -> dict[int, Order]:
    """By number; bases come before what is derived from them."""
    orders: dict[int, Order] = {}
    for flow in flows:
        orders[flow.number] = flow.order(orders)
    return orders


def pack(name: str, folder: Path, manifest: Manifest) -> None:
    """What the folder holds is packed in its order by name, and without times and owners."""
    (folder / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=1))
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path in sorted(folder.rglob("*")):
            archive.add(path, str(path.relative_to(folder)), recursive=False, filter=_plain)
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "dict_size": 2**26}]
    RECORDED.mkdir(exist_ok=True)
    (RECORDED / f"{name}.tar.xz").write_bytes(lzma.compress(buffer.getvalue(), filters=filters))


def unpack(name: str, folder: Path) -> Manifest:
    with tarfile.open(RECORDED / f"{name}.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    return msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)


def _plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.mtime = 0
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry
