"""Audits the locks: whether an advisory names one of the releases in them.

    .ci/audit.py [--url URL] LOCK...

Sources are PyPI and OSV, or an OSV API at the URL. One that cannot be reached, or has no advisories, as a mirror of
PyPI, is passed over; if none is left, one line says so. An advisory, or a source that breaks, is an error.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

SECONDS = 15
KNOWN = ("pip", "25.0")  # a release that each source knows


@dataclass(frozen=True, slots=True)
class Source:
    """`name` is that of pip-audit's service."""

    name: str
    url: str

    def is_reachable(self) -> bool:
        """Whether it answers about a release that it must know. Its failures are answers, too: the audit tells them."""
        try:
            answer = self._asked()
        except requests.RequestException:
            return False
        return answer.status_code not in (401, 403, 404, 407)

    def _asked(self) -> requests.Response:
        name, version = KNOWN
        if self.name == "pypi":
            return requests.get(f"{self.url}/{name}/{version}/json", timeout=SECONDS)
        body = {"package": {"name": name, "ecosystem": "PyPI"}, "version": version}
        return requests.post(self.url, json=body, timeout=SECONDS)

    def audit(self, lock: Path) -> list[dict[str, Any]]:
        """Its report of each release. Raise SystemExit where it breaks."""
        options = ["--requirement", str(lock), "--disable-pip", "--require-hashes", "--progress-spinner", "off"]
        service = ["--vulnerability-service", self.name, *(["--osv-url", self.url] if self.name == "osv" else [])]
        command = [sys.executable, "-m", "pip_audit", *options, *service, "--format", "json"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # nosec B603 # noqa: S603 (pip-audit)
        try:
            found: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
        except (ValueError, KeyError):
            sys.exit(f"lock audit: {self.name} broke on {lock}:\n{done.stderr.strip()[-2_000:]}")
        return found


PUBLIC = (Source("pypi", "https://pypi.org/pypi"), Source("osv", "https://api.osv.dev/v1/query"))


def main() -> int:
    parser = argparse.ArgumentParser(prog=".ci/audit.py", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--url", help="of an OSV API, in place of PyPI and OSV")
    parser.add_argument("locks", type=Path, nargs="+", metavar="LOCK")
    chosen = parser.parse_args()
    sources = PUBLIC if chosen.url is None else (Source("osv", chosen.url),)
    source = next((source for source in sources if source.is_reachable()), None)
    if source is None:
        print(f"lock audit: no advisory source is reachable here ({', '.join(source.url for source in sources)})")
        return 0
    problems = [problem for lock in chosen.locks for problem in _problems(source.audit(lock))]
    print("\n".join(problems) or f"lock audit: no advisories, by {source.name}")
    return bool(problems)


def _problems(releases: list[dict[str, Any]]) -> list[str]:
    unknown = [f"{release['name']}: {release['skip_reason']}" for release in releases if "skip_reason" in release]
    named = [
        f"{release['name']} {release['version']}: {advisory['id']}, mended in {_versions(advisory)}"
        for release in releases
        for advisory in release.get("vulns", ())
    ]
    return unknown + named


def _versions(advisory: dict[str, Any]) -> str:
    return ", ".join(advisory["fix_versions"]) or "no release"


if __name__ == "__main__":
    sys.exit(main())
