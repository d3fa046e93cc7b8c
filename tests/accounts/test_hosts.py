"""Two hosts on one PostgreSQL: any of them takes a callback, and no table and no file has a token in plain."""

from __future__ import annotations

from pathlib import Path

from tests.accounts.gateways import check_two_gateways, sandbox
from tests.durable.postgres import Cluster


def test_two_hosts_on_one_database_share_their_accounts(postgres: Cluster, tmp_path: Path) -> None:
    url = postgres.create()
    database = url.replace("postgresql+psycopg:", "postgresql:")
    with sandbox() as upstream:
        tokens = check_two_gateways(upstream, tmp_path / "first", tmp_path / "second", GATEWAY_DATABASE_URL=database)
    dump = postgres.dump(url)
    assert "INSERT INTO public.gateway_accounts" in dump
    assert [token for token in tokens if token in dump] == []
    contents = [(path, path.read_bytes()) for path in tmp_path.rglob("*") if path.is_file()]
    assert [path for path, content in contents for token in tokens if token.encode() in content] == []
