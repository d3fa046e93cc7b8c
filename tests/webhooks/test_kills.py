"""Webhooks outlive `kill -9`: between the answer and the work, and in the midst of it, by whatever process is left."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from gateway.webhooks.inbox import CLAIM_SECONDS
from gateway.webhooks.inbox_store import INBOX
from tests.durable.postgres import Cluster
from tests.processes import run, started
from tests.robustness.processes import running
from tests.webhooks.desk import SECRET, VERIFY, change, events, signed

ROOT = Path(__file__).parents[2]
SECONDS = 100.0
MEDIUM = change("media", media_id="18", status="FINISHED")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/{INBOX.file}"
    server: Cluster = request.getfixturevalue("postgres")
    return server.create()


def command(url: str, *arguments: str) -> Sequence[str]:
    return [sys.executable, "-m", "tests.webhooks.receiver", url, *arguments]


def killed_after(url: str, mode: str, lines: list[str]) -> None:
    body = events(MEDIUM, time=time.time()).decode()
    with started(command(url, mode, "0", body), seconds=SECONDS, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert sorted(process.stdout.readline().rstrip() for _ in lines) == lines


def heard_by_the_next(url: str, *, ahead: float) -> str:
    ended = run(command(url, "works", str(ahead)), seconds=SECONDS, cwd=ROOT)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_a_kill_between_the_answer_and_the_work_loses_nothing(url: str) -> None:
    killed_after(url, "waits", ["answered 200"])
    assert heard_by_the_next(url, ahead=0.0) == "heard media:18\n"
    assert heard_by_the_next(url, ahead=2 * CLAIM_SECONDS) == ""


def test_a_kill_in_the_midst_of_the_work_has_it_done_once_more(url: str) -> None:
    killed_after(url, "holds", ["answered 200", "heard media:18"])
    assert heard_by_the_next(url, ahead=0.0) == ""
    assert heard_by_the_next(url, ahead=CLAIM_SECONDS + SECONDS) == "heard media:18\n"
    assert heard_by_the_next(url, ahead=2 * (CLAIM_SECONDS + SECONDS)) == ""


def test_another_gateway_on_the_data_directory_works_on_what_a_killed_one_has_acknowledged(tmp_path: Path) -> None:
    """The killed one could not yet: its platform has not said whose account it is."""
    data = tmp_path / "data"
    given = {
        "GATEWAY_DATA_DIR": str(data),
        "GATEWAY_PLATFORM_APP_SECRET": SECRET,
        "GATEWAY_PLATFORM_VERIFY_TOKEN": VERIFY,
    }
    silent = {"GATEWAY_PLATFORM_URL": "http://127.0.0.1:9", "GATEWAY_PLATFORM_TOKEN": "t0ken"}
    body = events(MEDIUM, account="1", time=time.time())
    with running("serve", "--port", "0", **given) as left:
        with running("serve", "--port", "0", **given, **silent) as killed:
            answer = httpx.post(
                f"{killed.url}/webhooks/platform", content=body, headers={"x-hub-signature-256": signed(body)}
            )
            assert answer.status_code == 200
            killed.end(signal.SIGKILL)
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            time.sleep(0.2)
            if not waiting(data):
                break
        _, log = left.end(signal.SIGTERM)
    assert 'WebhookIgnored reason="of another account" changes=1' in log


def waiting(data: Path) -> int:
    with closing(sqlite3.connect(data / INBOX.file)) as db:
        (count,) = db.execute("SELECT count(*) FROM gateway_webhook_bodies WHERE body IS NOT NULL").fetchone()
        return int(count)
