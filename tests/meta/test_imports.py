"""The map of the house: imports go down the way of a read, and each library has a home."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.meta.tree import texts, trees

# The way of a read, from the command line to the models. Packages on one step may import each other.
STEPS: tuple[frozenset[str], ...] = (
    frozenset({"gateway.__main__"}),
    frozenset({"gateway.cli", "gateway.commands"}),
    frozenset({"gateway.server"}),
    frozenset({"gateway.composition"}),
    frozenset({"gateway.http"}),
    frozenset({"gateway.operations"}),
    frozenset({"gateway.execution", "schema"}),
    frozenset({"gateway.clients"}),
    frozenset({"gateway.control", "gateway.erasure", "gateway.loaders", "gateway.media_proxy", "gateway.publishing"}),
    frozenset(
        {
            *("gateway.accounts", "gateway.audit", "gateway.durable", "gateway.planner", "gateway.shared_keys"),
            *("gateway.uploads", "gateway.webhooks"),
        }
    ),
    frozenset({"gateway.billing"}),
    frozenset({"gateway.shared_cache"}),
    frozenset({"gateway.cache"}),
    frozenset({"gateway.upstream.hikerapi", "gateway.upstream.platforms"}),
    frozenset({"gateway.upstream.client", "gateway.upstream.egress"}),
    frozenset({"gateway.reads"}),
    frozenset({"gateway.domain"}),
)
# What lies below and is still none of their business.
FORBIDDEN = {
    "gateway.accounts": {
        "gateway.cache",
        "gateway.durable",
        "gateway.planner",
        "gateway.reads",
        "gateway.uploads",
        "gateway.upstream.hikerapi",
    },
    "gateway.audit": {
        "gateway.uploads",
        "gateway.planner",
        "gateway.billing",
        "gateway.cache",
        "gateway.upstream",
        "gateway.reads",
        "gateway.webhooks",
    },
    "gateway.shared_cache": {"gateway.cache", "gateway.upstream"},
    "gateway.billing": {"gateway.upstream"},
    "gateway.cache": {"gateway.upstream"},
    "gateway.control": {
        "gateway.loaders",
        "gateway.media_proxy",
        "gateway.planner",
        "gateway.publishing",
        "gateway.uploads",
        "gateway.upstream",
    },
    "gateway.durable": {
        "gateway.uploads",
        "gateway.planner",
        "gateway.billing",
        "gateway.cache",
        "gateway.upstream",
        "gateway.reads",
    },
    "gateway.erasure": {
        "gateway.loaders",
        "gateway.media_proxy",
        "gateway.planner",
        "gateway.publishing",
        "gateway.uploads",
        "gateway.upstream",
    },
    "gateway.loaders": {"gateway.upstream"},
    "gateway.webhooks": {
        "gateway.uploads",
        "gateway.planner",
        "gateway.billing",
        "gateway.cache",
        "gateway.upstream",
        "gateway.reads",
    },
    "gateway.media_proxy": {"gateway.upstream.hikerapi", "gateway.upstream.platforms"},
    "gateway.planner": {"gateway.durable", "gateway.uploads", "gateway.upstream"},
    "gateway.uploads": {
        "gateway.durable",
        "gateway.planner",
        "gateway.billing",
        "gateway.cache",
        "gateway.upstream.hikerapi",
        "gateway.reads",
    },
    "gateway.publishing": {
        "gateway.planner",
        "gateway.billing",
        "gateway.cache",
        "gateway.upstream.hikerapi",
        "gateway.reads",
    },
    "gateway.operations": {"gateway.durable", "gateway.publishing", "gateway.uploads", "gateway.upstream"},
    "gateway.execution": {"gateway.upstream"},
    "gateway.upstream.platforms": {"gateway.upstream.hikerapi", "gateway.reads"},
    "gateway.upstream.hikerapi": {"gateway.upstream.platforms"},
}
OPEN = frozenset(
    {
        *("gateway.domain", "gateway.errors", "gateway.clock", "gateway.correlation", "gateway.events"),
        *(
            "gateway.call_events",
            "gateway.operation_events",
            "gateway.process_events",
            "gateway.files",
            "gateway.migrations",
            "gateway.queue_place",
            "gateway.scheduling",
        ),
        *("gateway.single_flight", "gateway.spans", "gateway.store_threads", "gateway.tracebacks", "gateway.version"),
    }
)
# Packages beside the way, by those that may import them.
GUARDED = {
    "gateway.logs": {"gateway.commands", "gateway.composition"},
    "gateway.metrics": {"gateway.commands", "gateway.composition"},
    "gateway.settings": {"gateway.cli", "gateway.commands", "gateway.composition"},
    "gateway.sandbox": {"gateway.commands", "gateway.composition"},
    "gateway.console": {"gateway.commands", "gateway.http", "gateway.operations"},
    "gateway.tracing": {"gateway.composition"},
}
EVERYWHERE = frozenset({"*"})
HOMES: dict[str, frozenset[str]] = {
    "aiohttp": frozenset({"gateway.upstream.client"}),
    "authlib": frozenset({"gateway.accounts"}),
    "aiodataloader": frozenset({"gateway.loaders"}),
    "cachetools": frozenset({"gateway.cache", "gateway.execution", "gateway.media_proxy", "gateway.operations"}),
    "cryptography": frozenset(
        {"gateway.accounts", "gateway.durable", "gateway.reads", "gateway.server", "gateway.shared_cache"}
    ),
    "boto3": frozenset({"gateway.accounts"}),
    "botocore": frozenset({"gateway.accounts"}),
    "dbos": frozenset({"gateway.durable"}),
    "graphql": frozenset({"schema", "gateway.operations", "gateway.execution", "gateway.http"}),
    "httpx": frozenset(
        {
            "gateway.commands",
            "gateway.composition",
            "gateway.sandbox",
            "gateway.upstream.client",
            "gateway.upstream.egress",
            "gateway.upstream.hikerapi",
            "gateway.upstream.platforms",
        }
    ),
    "httpx_aiohttp": frozenset({"gateway.upstream.client"}),
    "hvac": frozenset({"gateway.accounts"}),
    "msgspec": EVERYWHERE,
    "obstore": frozenset({"gateway.uploads"}),
    "opentelemetry": frozenset({"gateway.tracing"}),
    "PIL": frozenset({"gateway.uploads", "gateway.sandbox"}),
    "pillow_heif": frozenset({"gateway.uploads"}),
    "psycopg": frozenset({"gateway.accounts", "gateway.billing", "gateway.shared_keys"}),
    "prometheus_client": frozenset({"gateway.metrics"}),
    "python_multipart": frozenset({"gateway.http"}),
    "redis": frozenset({"gateway.shared_cache"}),
    "regex": frozenset({"gateway.publishing", "gateway.sandbox"}),
    "requests": frozenset({"gateway.accounts"}),
    "sqlalchemy": frozenset({"gateway.audit", "gateway.durable", "gateway.erasure", "gateway.webhooks"}),
    "stamina": frozenset({"gateway.upstream.client"}),
    "starlette": frozenset(
        {"gateway.commands", "gateway.composition", "gateway.http", "gateway.sandbox", "gateway.server"}
    ),
    "starlette_compress": frozenset({"gateway.http"}),
    "strawberry": frozenset({"schema", "gateway.operations", "gateway.execution", "gateway.http"}),
    "uvicorn": frozenset({"gateway.commands", "gateway.server"}),
    "uvloop": frozenset({"gateway.commands", "gateway.server"}),
    "websockets": frozenset({"gateway.server"}),
}

Import = tuple[Path, int, str, str]


def room(module: str) -> str:
    """`gateway.cache.store` lies in `gateway.cache`, `schema.types.user` in `schema`.

    The parts of `gateway.upstream` are packages of their own.
    """
    parts = module.split(".")
    if parts[0] == "schema":
        return "schema"
    return ".".join(parts[: 3 if parts[1:2] == ["upstream"] else 2])


def module_of(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def imports() -> Iterator[Import]:
    """File, line, the importing room, and the imported module of every import, nested ones too."""
    for path, tree in trees():
        for node in ast.walk(tree):
            for target in _targets(node):
                yield path, getattr(node, "lineno", 0), room(module_of(path)), target


def _targets(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        assert node.level == 0, "relative imports hide the room they come from"
        # `from gateway import errors` names a room; `from gateway.domain import ids` lies in one already.
        return [f"{node.module}.{alias.name}" if node.module == "gateway" else str(node.module) for alias in node.names]
    return []


def step(of: str) -> int | None:
    return next((number for number, rooms in enumerate(STEPS) if of in rooms), None)


def allowed(importer: str, imported: str) -> bool:
    if imported == importer or imported in OPEN:
        return True
    if any(imported == one or imported.startswith(f"{one}.") for one in FORBIDDEN.get(importer, ())):
        return False
    if imported in GUARDED:
        return importer in GUARDED[imported]
    here, there = step(importer), step(imported)
    return here is not None and there is not None and here <= there


def test_imports_go_down_the_way_of_a_read() -> None:
    wrong = [
        f"{path}:{line}: {importer} imports {target}"
        for path, line, importer, target in imports()
        if target.split(".")[0] in ("gateway", "schema") and not allowed(importer, room(target))
    ]
    assert not wrong, "\n".join(wrong)


def test_each_library_is_used_at_home_only() -> None:
    wrong = []
    for path, line, importer, target in imports():
        library = target.split(".")[0]
        foreign = library not in sys.stdlib_module_names and library not in ("gateway", "schema")
        if foreign and not HOMES.get(library, frozenset()) & {importer, "*"}:
            wrong.append(f"{path}:{line}: {library} is not at home in {importer}")
    assert not wrong, "\n".join(wrong)


def test_every_room_is_on_the_map() -> None:
    known = frozenset().union(*STEPS) | OPEN | GUARDED.keys() | {"gateway", "gateway.upstream"}
    rooms = {room(module_of(path)) for path, _ in trees()}
    assert rooms <= known


def test_the_map_is_drawn_in_the_package() -> None:
    """`import gateway; help(gateway)` is the first page a newcomer reads."""
    import gateway

    drawn = gateway.__doc__ or ""
    rooms = {path.parts[1].removesuffix(".py") for path, _ in texts(".py") if path.parts[0] == "gateway"}
    assert [name for name in sorted(rooms - {"__init__"}) if name not in drawn] == []


def test_the_rules_themselves_refuse() -> None:
    assert allowed("gateway.http", "gateway.cache")
    assert allowed("gateway.sandbox", "gateway.clock")
    assert not allowed("gateway.cache", "gateway.loaders")
    assert not allowed("gateway.upstream", "schema")
    assert not allowed("gateway.domain", "gateway.upstream")
    assert not allowed("gateway.cache", "gateway.settings")
    assert not allowed("gateway.sandbox", "gateway.planner")
    assert not allowed("gateway.http", "gateway.sandbox")
    assert not allowed("gateway.planner", "gateway.logs")
    assert not allowed("gateway.composition.app", "gateway.commands")
