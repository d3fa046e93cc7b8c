"""An erasure by the command, carried out by gateways that are processes, one of which is killed meanwhile."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import httpx
import pytest

from tests.commands.process import LIMIT, run
from tests.erasure.stored import in_files, with_one_of
from tests.robustness.processes import Server, gateway, sandbox

# All processes have fifteen seconds to notice a request, and one that was killed is waited for, for a minute.
pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]
READ = '{ user(by: { id: "787132" }) { username fullName } }'
MARKS = ["787132", "natgeo"]


def charged(server: Server) -> int:
    answer = httpx.post(f"{server.url}/graphql", json={"query": READ}, timeout=LIMIT)
    assert answer.json()["data"]["user"]["username"] == "natgeo"
    return int(answer.headers.get("x-billed-requests", "0"))


def test_each_gateway_forgets_a_user_and_the_request_ends_though_one_is_killed(tmp_path: Path) -> None:
    given = {"GATEWAY_CACHE_DISK": "on"}
    data = {"GATEWAY_DATA_DIR": str(tmp_path)}
    with (
        sandbox() as upstream,
        gateway(upstream, tmp_path, **given) as one,
        gateway(upstream, tmp_path, **given) as other,
    ):
        with gateway(upstream, tmp_path, **given) as killed:
            for each in (one, other, killed):
                charged(each)
            assert [charged(each) for each in (one, other, killed)] == [0, 0, 0]
            code = run("accounts", "erase", "787132", **data).stdout.strip()
            killed.end(signal.SIGKILL)
        deadline = time.monotonic() + LIMIT
        page = f"{one.url}/deletion/{code}"
        while "was deleted" not in httpx.get(page, timeout=LIMIT).text:
            assert time.monotonic() < deadline, run("accounts", "erasures", **data).stdout
            time.sleep(0.5)
        assert with_one_of(in_files(tmp_path), MARKS) == {}
        # One buys it again, and the other one gets it from the file that they share.
        assert charged(one) + charged(other) > 0
    assert run("audit", "verify", **data).returncode == 0
    trail = run("audit", "show", "--account", "787132", **data).stdout
    assert ("erasure.requested" in trail, "erased" in trail) == (True, True)
