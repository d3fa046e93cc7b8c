"""All that a gateway has stored in files, PostgreSQL and Redis, as any other program reads it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import sqlalchemy as sa

from tests.shared_cache.redis_server import RedisServer


def in_files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def in_tables(url: str) -> dict[str, bytes]:
    """By table, `dbos.` before those of DBOS."""
    engine = sa.create_engine(url)
    found = {}
    with engine.connect() as db:
        for schema, prefix in ((None, ""), ("dbos", "dbos.")):
            for name in sa.inspect(db).get_table_names(schema):
                rows = db.execute(sa.text(f'SELECT t::text FROM {prefix}"{name}" AS t')).scalars()  # noqa: S608 (of the catalogue)
                found[f"{prefix}{name}"] = "\n".join(rows).encode()
    engine.dispose()
    return found


def in_redis(server: RedisServer) -> dict[str, bytes]:
    keys = server.command("KEYS", "*")
    assert isinstance(keys, list)
    return {key.decode(): _value(server, key.decode()) for key in keys}


def _value(server: RedisServer, key: str) -> bytes:
    kind = server.command("TYPE", key)
    read = {b"string": ("GET", key), b"stream": ("XRANGE", key, "-", "+"), b"zset": ("ZRANGE", key, "0", "-1")}
    return repr(server.command(*read[kind])).encode()  # type: ignore[index]


def with_one_of(stored: Mapping[str, bytes], texts: Iterable[str]) -> dict[str, list[str]]:
    """The places that have one of the texts, in any case of its letters."""
    by_place = {
        place: [text for text in texts if re.search(re.escape(text.encode()), content, re.IGNORECASE)]
        for place, content in stored.items()
    }
    return {place: found for place, found in by_place.items() if found}
