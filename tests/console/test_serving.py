"""The console over HTTP, without a browser."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests import processes
from tests.commands.process import address, environment
from tests.meta.tree import ROOT

BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
NAMED = re.compile(r'(?:src|href)="(graphql/console/[^"]+)"')
LIMIT = 30.0
LIFE = 200.0  # seconds, of the gateway of one test


def named(page: str) -> list[str]:
    """The files that the page asks for, as paths."""
    return [f"/{path}" for path in NAMED.findall(page)]


def test_the_page_holds_no_script_and_allows_none_but_its_own(served: str) -> None:
    page = httpx.get(f"{served}/graphql", headers=BROWSER, timeout=LIMIT)
    assert re.findall(r"<script[^>]*>([^<]+)", page.text) == []
    assert not re.search(r"https?://", page.text)
    policy = dict(part.partition(" ")[::2] for part in page.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == policy["frame-ancestors"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == policy["worker-src"] == "'self'"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["x-content-type-options"] == "nosniff"


def test_files_may_be_kept_for_ever_and_the_page_may_not(served: str) -> None:
    """The page names the files of its own build, and those change their names when they change."""
    page = httpx.get(f"{served}/graphql", headers=BROWSER, timeout=LIMIT)
    assert page.headers["cache-control"] == "no-cache"
    assert len(named(page.text)) == 3
    for path in named(page.text):
        file = httpx.get(served + path, timeout=LIMIT)
        assert file.status_code == 200
        assert file.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert file.headers["content-encoding"] == "gzip"
        assert re.search(r"-[\w-]{8}\.\w+$", path)


@pytest.mark.parametrize("accepted", ["identity", "gzip;q=0", "br"])
def test_who_takes_no_gzip_gets_the_same_file_plain(served: str, accepted: str) -> None:
    path = named(httpx.get(f"{served}/graphql", headers=BROWSER, timeout=LIMIT).text)[0]
    plain = httpx.get(served + path, headers={"accept-encoding": accepted}, timeout=LIMIT)
    assert "content-encoding" not in plain.headers
    assert plain.content == httpx.get(served + path, timeout=LIMIT).content


@pytest.mark.parametrize("name", ["nothing.js", "..%2f__init__.py", "%2e%2e", "index.html", "..%5c__init__.py"])
def test_nothing_but_built_files_is_served(name: str, served: str) -> None:
    assert httpx.get(f"{served}/graphql/console/{name}", timeout=LIMIT).status_code == 404


def test_an_api_client_is_not_given_the_page(served: str) -> None:
    assert httpx.get(f"{served}/graphql", timeout=LIMIT).headers["content-type"].startswith("application/json")


def test_without_a_built_console_the_page_says_how_to_build_it_and_the_api_works(tmp_path: Path) -> None:
    for package in ("gateway", "schema", "queries"):
        left_out = shutil.ignore_patterns("static", "web", "__pycache__")
        shutil.copytree(ROOT / package, tmp_path / package, ignore=left_out)
    command = [sys.executable, "-m", "gateway", "serve", "--port", "0"]
    given = {name: value for name, value in environment({}).items() if not name.startswith("COVERAGE_")}
    with processes.started(command, seconds=LIFE, cwd=tmp_path, env=given, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        url = address(process.stdout.readline())
        page = httpx.get(f"{url}/graphql", headers=BROWSER, timeout=LIMIT)
        answer = httpx.post(f"{url}/graphql", json={"query": "{ allowance { client } }"}, timeout=LIMIT)
    assert "make console" in page.text
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert answer.json()["data"] == {"allowance": {"client": "local"}}
