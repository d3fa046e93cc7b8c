"""`doctor` and `settings` beside a gateway that runs: they see it, and neither disturb it nor cost anything."""

from __future__ import annotations

import json
from pathlib import Path

from tests.commands.process import ask, run
from tests.robustness.processes import billed, gateway, sandbox

TRAY = '{ user(by: { username: "natgeo" }) { highlights { totalCount } } }'


def test_a_gateway_that_runs_has_no_problem_and_pays_nothing_for_it(tmp_path: Path) -> None:
    with sandbox() as upstream, gateway(upstream, tmp_path) as server:
        assert ask(server.url, TRAY).status_code == 200
        before = billed(upstream)
        given = {
            "GATEWAY_HIKERAPI_URL": upstream.url,
            "GATEWAY_HIKERAPI_KEY": "sandbox",  # pragma: allowlist secret
            "GATEWAY_PLATFORM_URL": f"{upstream.url}/platform",
            "GATEWAY_PLATFORM_TOKEN": "sandbox",
            "GATEWAY_DATA_DIR": str(tmp_path),
        }
        done = run("doctor", "--json", **given)
        found = {one["check"]: one for one in json.loads(done.stdout)["checks"]}
        problems = [one for one in found.values() if one["result"] in ("warning", "problem")]
        assert [one for one in problems if one["check"] != "console"] == []
        assert (done.returncode, done.stderr) == (0, "")
        assert found["gateway"]["finding"] == f"A gateway runs on {tmp_path}."
        assert found["clock"]["result"] == found["key"]["result"] == found["publishing"]["result"] == "ok"
        assert billed(upstream) == before
        assert ask(server.url, TRAY.replace("natgeo", "bbcearth")).status_code == 200
        wrong = run("doctor", **{**given, "GATEWAY_HIKERAPI_KEY": "wrong"})
        assert (wrong.returncode, "The upstream refuses the key." in wrong.stdout) == (1, True)
        assert run("doctor", "--quick", **given).returncode == 2
