"""What the README shows is what happens."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.app import create_app
from gateway.settings import Settings
from tests.meta.tree import ROOT


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(Settings(data_dir=tmp_path))
    transport = httpx.ASGITransport(app=app)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport) as client:
        yield client


async def ask(client: httpx.AsyncClient, command: str) -> Any:
    """Does what the curl command says."""
    words = shlex.split(command.replace("\\\n", " "))
    assert words[:2] == ["curl", "-s"]
    name, value = words[words.index("-H") + 1].split(": ")
    return (await client.post(words[2], headers={name: value}, content=words[words.index("-d") + 1])).json()


async def test_the_curl_command_gets_the_answer_shown_below_it(client: httpx.AsyncClient) -> None:
    for command, answer in zip(blocks("sh"), blocks("json"), strict=True):
        assert (await ask(client, command))["data"] == json.loads(answer)["data"]


async def test_each_query_shown_gets_an_answer_without_errors(client: httpx.AsyncClient) -> None:
    queries = blocks("graphql")
    assert queries
    for query in queries:
        answer = (await client.post("http://127.0.0.1:8000/graphql", json={"query": query})).json()
        assert "errors" not in answer, answer
