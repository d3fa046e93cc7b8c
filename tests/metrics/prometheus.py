"""A real Prometheus that scrapes a gateway and evaluates the alerts, several times a second."""

from __future__ import annotations

import contextlib
import math
import re
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests import processes
from tests.meta.tree import ROOT
from tests.packages import program

OPERATIONS = ROOT / "docs/operations"
RULES = OPERATIONS / "alerts/rules.yml"
LIMIT = 60.0  # seconds
LISTENING = re.compile(r'msg="Listening on".*address=([\w.:]+)')
CONFIGURATION = """\
global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 500ms}}
rule_files: [{rules}]
scrape_configs: [{{job_name: highlights-gateway, static_configs: [{{targets: ["{target}"]}}]}}]
"""


@dataclass(frozen=True, slots=True)
class Prometheus:
    client: httpx.Client

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The samples of now that are numbers."""
        answer = self.client.get("/api/v1/query", params={"query": expression}).json()
        assert answer["status"] == "success", answer
        samples: list[dict[str, Any]] = answer["data"]["result"]
        return [sample for sample in samples if not math.isnan(float(sample["value"][1]))]

    def firing(self) -> set[str]:
        """The alerts that have fired since the start."""
        fired = self.query('count by (alertname) (count_over_time(ALERTS{alertstate="firing"}[1h]))')
        return {sample["metric"]["alertname"] for sample in fired}

    def until(self, *alerts: str) -> None:
        """Returns when all of them have fired."""
        deadline = time.monotonic() + LIMIT
        while missing := set(alerts) - self.firing():
            assert time.monotonic() < deadline, f"never fired: {missing}"
            time.sleep(0.2)

    def until_scraped(self, times: int) -> None:
        """Returns after so many more scrapes, each of which the rules have been evaluated on."""
        count = "max(count_over_time(highlights_gateway_build_info[1h]))"
        wanted = self._number(count) + times
        deadline = time.monotonic() + LIMIT
        while self._number(count) < wanted:
            assert time.monotonic() < deadline
            time.sleep(0.2)

    def _number(self, expression: str) -> float:
        return float(next((sample["value"][1] for sample in self.query(expression)), 0))


@contextlib.contextmanager
def prometheus(folder: Path, target: str) -> Iterator[Prometheus]:
    """It scrapes `target`, a host with a port. The rules wait for two seconds each, with the same expressions."""
    rules = folder / "rules.yml"
    rules.write_text(re.sub(r"^( +for:) \S+$", r"\1 2s", RULES.read_text(), flags=re.MULTILINE))
    (folder / "prometheus.yml").write_text(CONFIGURATION.format(rules=rules, target=target))
    command = [program("prometheus"), f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/tsdb"]
    log = folder / "log"
    with (
        open(log, "w") as errors,
        processes.started(
            [*command, "--web.listen-address=127.0.0.1:0"], seconds=600, stdout=subprocess.DEVNULL, stderr=errors
        ) as process,
        httpx.Client(base_url=f"http://{_address(log, process)}", timeout=LIMIT) as client,
    ):
        yield Prometheus(client)


def _address(log: Path, process: subprocess.Popen[str]) -> str:
    while (found := LISTENING.search(log.read_text())) is None:
        assert process.poll() is None, log.read_text()
        time.sleep(0.05)
    return found[1]
