"""What the README shows is what happens: each command is run, and answers what stands below it."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import tomllib
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from gateway.settings import Settings
from tests.fakes.gateway import FlowingClock, RunningGateway, a_jpeg, running_gateway
from tests.meta.tree import ROOT

README = (ROOT / "README.md").read_text()
BLOCKS: list[tuple[str, str]] = re.findall(r"^```(\w*)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
WORDS = {command: shlex.split(command.replace("\\\n", " ")) for language, command in BLOCKS if language == "sh"}
ANSWERS = {command: answer for (language, command), (_, answer) in pairwise(BLOCKS) if language == "sh"}
SERVED = "http://127.0.0.1:8000"


def of(program: str) -> list[str]:
    return [command for command, words in WORDS.items() if words[0] == program]


def option(words: list[str], name: str) -> str:
    return words[words.index(name) + 1]


def run(command: str, folder: Path) -> str:
    words = [sys.executable, "-m", "gateway", *WORDS[command][1:]]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout


def test_every_command_is_run_by_one_of_these_tests() -> None:
    assert {words[0] for words in WORDS.values()} == {"curl", "highlights-gateway"}
    assert {words[1] for words in WORDS.values() if words[0] != "curl"} == {"price", "keys"}


@pytest.mark.parametrize("command", [command for command in of("curl") if "-d" in WORDS[command]])
async def test_curl_gets_the_answer_shown_below_it(command: str, tmp_path: Path) -> None:
    words = WORDS[command]
    async with running_gateway(tmp_path) as gateway:
        content = {"content": option(words, "-d")}
        assert await answered(gateway, words, **content) == json.loads(ANSWERS[command])


@pytest.mark.parametrize("command", [command for command in of("curl") if "-F" in WORDS[command]])
async def test_curl_publishes_and_gets_the_answer_shown_below_it(command: str, tmp_path: Path) -> None:
    """The new highlight is the first of the tray then."""
    words = WORDS[command]
    parts = dict(word.split("=", 1) for before, word in pairwise(words) if before == "-F")
    picture = parts.pop("0").removeprefix("@")
    async with running_gateway(tmp_path, clock=FlowingClock()) as gateway:
        await gateway.knows_its_accounts()
        files = {"0": (picture, a_jpeg(), "image/jpeg")}
        assert await answered(gateway, words, data=parts, files=files) == json.loads(ANSWERS[command])
        tray = await gateway.query('{ user(by: { id: "787132" }) { highlights(first: 1) { nodes { title } } } }')
        assert tray.data["user"]["highlights"]["nodes"] == [{"title": "Reef"}]


async def answered(gateway: RunningGateway, words: list[str], **body: Any) -> Any:
    header, value = option(words, "-H").split(": ")
    path = words[2].removeprefix(SERVED)
    assert path.startswith("/")
    answer = (await gateway.client.post(path, headers={header: value}, **body)).json()
    gateway.reported += answer["extensions"]["billing"]["charged"]
    return answer


@pytest.mark.parametrize("query", [body for language, body in BLOCKS if language == "graphql"])
async def test_the_query_shown_is_what_curl_asks(query: str, tmp_path: Path) -> None:
    (command,) = [command for command in of("curl") if "-d" in WORDS[command]]
    async with running_gateway(tmp_path) as gateway:
        answer = await gateway.query(query)
        assert answer.body == json.loads(ANSWERS[command])


@pytest.mark.parametrize("command", [command for command in of("highlights-gateway") if " price " in command])
def test_the_price_is_the_one_shown_below_it(command: str) -> None:
    assert run(command, ROOT) == ANSWERS[command]


@pytest.mark.parametrize("command", [command for command in of("highlights-gateway") if " keys " in command])
def test_the_new_key_has_the_entry_shown_below_it(command: str, tmp_path: Path) -> None:
    key = run(command, tmp_path).strip()
    written = tomllib.loads((tmp_path / option(WORDS[command], "--file")).read_text())
    shown = tomllib.loads(ANSWERS[command])
    assert key.startswith("hg_")
    assert _without_digest(written) == _without_digest(shown)


def test_the_other_commands_set_what_can_be_set_and_make_what_can_be_made() -> None:
    targets = set(re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    lines = [line for language, body in BLOCKS if not language for line in body.splitlines()]
    assert lines
    for line in lines:
        words = shlex.split(line, comments=True)
        settings = [word.partition("=")[0] for word in words if word.startswith("GATEWAY_")]
        assert set(settings) <= {row.name for row in Settings.table()}
        assert words[len(settings)] == "make"
        assert words[len(settings) + 1] in targets


def _without_digest(entries: dict[str, Any]) -> list[dict[str, Any]]:
    return [{name: value for name, value in entry.items() if name != "keys"} for entry in entries["client"]]
