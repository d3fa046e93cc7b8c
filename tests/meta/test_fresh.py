"""`.ci/fresh`, as far as it goes without root: when it is skipped, what it asks, and what it hands in."""

from __future__ import annotations

import json
import os
import runpy
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.meta.test_readme import ANSWERS, WORDS, of
from tests.meta.tree import ROOT

SCRIPT = ROOT / ".ci/fresh"
BARE = runpy.run_path(str(ROOT / ".ci/bare.py"))
ASK = runpy.run_path(str(ROOT / ".ci/ask.py"))


@pytest.fixture
def without_debootstrap(tmp_path: Path) -> dict[str, str]:
    """An environment whose PATH has no more than the script needs up to that point."""
    for name in ("bash", "dirname", "unshare", "true"):
        if found := shutil.which(name):
            (tmp_path / name).symlink_to(found)
    return {"PATH": str(tmp_path)}


def fresh(*arguments: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run([SCRIPT, *arguments], env=env, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("arguments", [(), ("bookworm",)])
def test_a_suite_has_to_be_one_of_the_two(arguments: tuple[str, ...]) -> None:
    done = fresh(*arguments, env=dict(os.environ))
    assert (done.returncode, done.stderr) == (2, "usage: .ci/fresh trixie|forky\n")


@pytest.mark.parametrize(("suite", "ci"), [("trixie", ""), ("forky", ""), ("forky", "true")])
def test_it_is_skipped_where_debootstrap_is_missing(without_debootstrap: dict[str, str], suite: str, ci: str) -> None:
    done = fresh(suite, env={**without_debootstrap, "CI": ci})
    assert done.returncode == 0
    assert done.stdout.startswith(f"fresh {suite}: skipped")
    assert "debootstrap" in done.stdout


def test_it_is_never_skipped_for_trixie_in_ci(without_debootstrap: dict[str, str]) -> None:
    done = fresh("trixie", env={**without_debootstrap, "CI": "true"})
    assert done.returncode == 1
    assert "debootstrap" in done.stderr


def test_it_asks_what_the_readme_asks_and_expects_what_it_shows() -> None:
    (command,) = [command for command in of("curl") if "-d" in WORDS[command]]
    words, expected = ASK["shown"]((ROOT / "README.md").read_text())
    assert (words, expected) == (WORDS[command], json.loads(ANSWERS[command]))
    asked = ASK["request"](words)
    assert (asked.get_method(), asked.full_url) == ("POST", words[2])
    assert asked.data.decode() == words[words.index("-d") + 1]
    assert asked.headers == {"Content-type": "application/json"}


def test_a_command_that_is_not_understood_is_refused() -> None:
    """An option that is left out would be proven by nobody."""
    with pytest.raises(SystemExit):
        ASK["request"](["curl", "-s", "http://127.0.0.1", "-H", "a: b", "-d", "{}", "--json", "{}"])


def test_index_certificates_proxies_and_patience_are_handed_in_and_nothing_else() -> None:
    going = {
        "PIP_INDEX_URL": "https://index.example.com/simple",
        "PIP_EXTRA_INDEX_URL": "https://more.example.com/simple",
        "PIP_DEFAULT_TIMEOUT": "60",
        "SSL_CERT_FILE": "/certificates.crt",
        "npm_config_registry": "https://packages.example.com",
        "NPM_CONFIG_FETCH_RETRIES": "5",
        "HTTPS_PROXY": "http://proxy.example.com",
        "no_proxy": "localhost",
    }
    staying = {
        "CI": "true",
        "HOME": "/elsewhere",
        "GATEWAY_PORT": "1",
        "PIP_FIND_LINKS": "/wheels",
        "PIP_CONSTRAINT": "/constraints.txt",
        "npm_config_prefix": "/prefix",
        "npm_lifecycle_event": "test",
    }
    given = {**going, **staying, "PIP_EXTRA_INDEX_URL": "file:///wheels/simple https://more.example.com/simple"}
    assert BARE["variables"](given) == going


def test_the_files_of_pip_are_handed_in_without_what_lies_on_the_machine() -> None:
    first = "[global]\nfind-links = /wheels\nindex_url = https://index.example.com\ncert = /ours.crt\n"
    second = "[install]\nindex-url = file:///wheels\ntimeout = 9\n[freeze]\ntimeout = 10\n"
    assert BARE["pip_settings"]([first]) == {"index-url": "https://index.example.com", "cert": "/ours.crt"}
    assert BARE["pip_settings"]([first, second]) == {"cert": "/ours.crt", "timeout": "9"}


def test_the_files_of_npm_are_handed_in_with_their_variables_filled_in() -> None:
    text = (
        "@ours:registry=https://a.example.com\n//a.example.com/:_authToken=${WORD}\nprefix=/usr\ncafile = /ours.crt\n"
    )
    expected = ["@ours:registry=https://a.example.com", "//a.example.com/:_authToken=open", "cafile = /ours.crt"]
    assert BARE["npm_settings"]([text], {"WORD": "open"}) == expected


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return tmp_path / "tree"


def test_a_file_lies_at_the_same_path_in_the_bare_system(tree: Path, tmp_path: Path) -> None:
    folder = tmp_path / "certificates"
    folder.mkdir()
    (folder / "a.crt").write_text("A")
    (folder / "b.crt").symlink_to(folder / "a.crt")
    BARE["put"](tree, folder)
    put = tree / folder.relative_to("/")
    assert {path.name: path.read_text() for path in put.iterdir()} == {"a.crt": "A", "b.crt": "A"}


def test_no_link_in_the_bare_system_leads_back_to_the_machine(tree: Path, tmp_path: Path) -> None:
    """Seen from outside, an absolute link leads to the machine's own file."""
    own, given = tmp_path / "own", tmp_path / "given"
    for path in (own, given):
        path.mkdir()
        (path / "pip.conf").write_text(path.name)
    put: Any = BARE["put"]
    inside = tree / given.relative_to("/")
    inside.mkdir(parents=True)
    (inside / "pip.conf").symlink_to(own / "pip.conf")
    put(tree, given / "pip.conf")
    assert (inside / "pip.conf").read_text() == "given"
    shutil.rmtree(inside)
    inside.symlink_to(own)
    with pytest.raises(SystemExit):
        put(tree, given / "pip.conf")
    assert (own / "pip.conf").read_text() == "own"
