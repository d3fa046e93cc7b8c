"""Gateways as processes with a data directory each, and one database: the same keys, or no start."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.commands.process import ask, run
from tests.durable.postgres import Cluster, cluster
from tests.robustness.processes import gateway, sandbox, settings

FOLLOWERS = """query Page($after: String) { user(by: { id: "787132" }) { followers(first: 5, after: $after) {
    nodes { id } pageInfo { endCursor } } } }"""


def followers(url: str, after: str | None = None) -> tuple[list[str], str]:
    page = ask(url, FOLLOWERS, after=after).json()["data"]["user"]["followers"]
    return [node["id"] for node in page["nodes"]], page["pageInfo"]["endCursor"]


def url_of(server: Cluster) -> str:
    return server.create().replace("postgresql+psycopg:", "postgresql:")


@pytest.fixture
def database(postgres: Cluster) -> dict[str, str]:
    return {"GATEWAY_DATABASE_URL": url_of(postgres)}


def test_each_host_reads_the_cursors_of_the_others(database: dict[str, str], tmp_path: Path) -> None:
    with (
        sandbox() as upstream,
        gateway(upstream, tmp_path / "one", **database) as one,
        gateway(upstream, tmp_path / "other", **database) as other,
    ):
        first, cursor = followers(one.url)
        second, _ = followers(other.url, cursor)
        assert (len(first), len(second), set(first) & set(second)) == (5, 5, set())
        files = [
            [(tmp_path / name / key).read_bytes() for key in ("media.key", "cursors.key")] for name in ("one", "other")
        ]
        assert files[0] == files[1]


def test_a_host_with_another_key_does_not_start_and_doctor_says_so(database: dict[str, str], tmp_path: Path) -> None:
    secret = "another-secret-of-a-host"  # pragma: allowlist secret
    with sandbox() as upstream, gateway(upstream, tmp_path / "one", **database) as one:
        given = settings(upstream, tmp_path / "other") | database | {"GATEWAY_MEDIA_SECRET": secret}
        refused = run("serve", "--port", "0", **given)
        assert refused.returncode != 0
        assert "The key of media links differs from that of the gateway on" in refused.stderr
        assert "GATEWAY_MEDIA_SECRET" in refused.stderr
        told = run("doctor", **given)
        assert told.returncode == 1
        (line,) = [line for line in told.stdout.splitlines() if line.startswith("shared keys")]
        assert "The key of media links differs" in line
        healthy = run("doctor", **settings(upstream, tmp_path / "one"), **database).stdout
        assert "1 running processes use the same" in healthy
        assert secret not in refused.stderr + told.stdout
        one.end(signal.SIGTERM)
        with gateway(upstream, tmp_path / "other", **database, GATEWAY_MEDIA_SECRET=secret):
            pass


def test_a_start_without_the_database_uses_the_copies_of_the_data_directory(tmp_path: Path) -> None:
    with cluster() as server, sandbox() as upstream:
        database = {"GATEWAY_DATABASE_URL": url_of(server)}
        with gateway(upstream, tmp_path / "one", **database) as one:
            _, cursor = followers(one.url)
        server.stop()
        try:
            with gateway(upstream, tmp_path / "one", **database) as one:
                (error,) = ask(one.url, FOLLOWERS, after=cursor).json()["errors"]
                assert error["extensions"]["code"] == "LEDGER_UNAVAILABLE", "and not an invalid cursor"
            fresh = run("serve", "--port", "0", **settings(upstream, tmp_path / "fresh"), **database)
            assert fresh.returncode != 0
            assert "which cannot be reached: start again when it can" in fresh.stderr
        finally:
            server.start()
