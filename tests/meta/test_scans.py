"""`make scan`: exceptions have reasons, and the audit of the locks tells what it finds, and where it cannot look."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import MappingProxyType

import pytest

from tests.commands.process import environment
from tests.meta.tree import ROOT, texts

EXCEPTION = re.compile(r"# (?:nosec\b|noqa: (?:[A-Z]+[0-9]+, )*S[0-9]{3}).*")
REASONED = re.compile(r"# (?:nosec B[0-9]{3} # )?(?:noqa: [A-Z0-9, ]+ )?\(.{3,}\)")
ADVISORY = {
    "id": "GHSA-0000",
    "affected": [
        {
            "package": {"name": "six", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.0"}]}],
        }
    ],
}


def test_each_exception_to_a_rule_of_security_has_a_reason() -> None:
    found = [
        (f"{path}:{number}", exception[0])
        for path, text in texts(".py")
        for number, line in enumerate(text.splitlines(), start=1)
        if (exception := EXCEPTION.search(line)) and "re.compile" not in line
    ]
    assert len(found) > 10
    assert [place for place, exception in found if not REASONED.match(exception)] == []


def test_each_rule_of_security_that_is_off_for_files_has_a_reason() -> None:
    lines = re.findall(r'^(?: *"S[0-9]{3}",|"bench/.*\]).*$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert len(lines) > 5
    assert [line for line in lines if "#" not in line] == []
    ignored = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]["lint"]["per-file-ignores"]
    of_security = [files for files, rules in ignored.items() if any(re.match(r"S[0-9]", rule) for rule in rules)]
    assert sorted(of_security) == ["bench/**", "tests/**"]


class Advisories(ThreadingHTTPServer):
    """An OSV API that answers each question alike."""

    status = 200
    answer: Mapping[str, object] = MappingProxyType({})

    class Handler(BaseHTTPRequestHandler):
        server: Advisories

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            body = json.dumps(dict(self.server.answer)).encode()
            self.send_response(self.server.status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""


@pytest.fixture
def advisories() -> Iterator[Advisories]:
    with Advisories(("127.0.0.1", 0), Advisories.Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def audit(folder: Path, port: int) -> tuple[int, str]:
    lock = folder / "some.lock"
    lock.write_text(f"six==1.17.0 --hash=sha256:{'0' * 64}\n")
    command = [sys.executable, str(ROOT / ".ci/audit.py"), "--url", f"http://127.0.0.1:{port}/query", str(lock)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment({}), timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


def test_the_audit_names_what_an_advisory_names(advisories: Advisories, tmp_path: Path) -> None:
    port = advisories.server_address[1]
    assert audit(tmp_path, port) == (0, "lock audit: no advisories, by osv\n")
    advisories.answer = {"vulns": [ADVISORY]}
    assert audit(tmp_path, port) == (1, "six 1.17.0: GHSA-0000, mended in 2.0\n")


def test_an_audit_that_cannot_look_says_so_and_one_that_breaks_fails(advisories: Advisories, tmp_path: Path) -> None:
    advisories.status = 500
    code, text = audit(tmp_path, advisories.server_address[1])
    assert (code, text.splitlines()[0]) == (1, f"lock audit: osv broke on {tmp_path / 'some.lock'}:")
    code, text = audit(tmp_path, 9)
    assert (code, text) == (0, "lock audit: no advisory source is reachable here (http://127.0.0.1:9/query)\n")
