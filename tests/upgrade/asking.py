"""A client of a gateway with recorded flows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import httpx

from tests.fakes.gateway import key_of

TIMEOUT = 30.0
EDITOR = "editor"
RECEIPT = """query($id: ID!) { flow(id: $id) {
  state progress retryable skipped leftovers warnings createdAt error { code message retryable medium }
  highlight { pk } steps { name medium state attempts startedAt finishedAt error { code } }
} }"""
CANCEL = "mutation($id: ID!) { done: cancelFlow(id: $id) { flow { id state } userErrors { code } } }"
RETRY = "mutation($id: ID!) { done: retryFlow(id: $id) { flow { id state } userErrors { code } } }"
ALLOWANCE = "{ allowance { windows { window limit spent remaining } } }"
TRAY = """query($id: ID!, $after: String) { user(by: { id: $id }) { highlights(first: 25, after: $after) {
  pageInfo { hasNextPage endCursor } nodes { pk title items { nodes { pk } } }
} } }"""


def ask(
    url: str,
    document: str,
    variables: Mapping[str, Any] | None = None,
    *,
    client: str = EDITOR,
    files: Mapping[str, bytes] | None = None,
) -> httpx.Response:
    asked = {"query": document, "variables": dict(variables or {})}
    headers = {"x-api-key": key_of(client), "graphql-require-preflight": "1"}
    if not files:
        return httpx.post(f"{url}/graphql", json=asked, headers=headers, timeout=TIMEOUT)
    places = {place: [f"variables.input.media.{place}.file"] for place in files}
    form = {"operations": json.dumps(asked), "map": json.dumps(places)}
    parts = {place: (f"{place}.jpg", data) for place, data in files.items()}
    return httpx.post(f"{url}/graphql", data=form, files=parts, headers=headers, timeout=TIMEOUT)


def told(response: httpx.Response) -> dict[str, Any]:
    """The data of an answer without errors."""
    answer = response.json()
    assert "errors" not in answer, answer["errors"]
    return dict(answer["data"])


def receipt(url: str, flow: str) -> dict[str, Any]:
    return dict(told(ask(url, RECEIPT, {"id": flow}))["flow"])


def tray(url: str, account: str, client: str) -> list[dict[str, Any]]:
    """The account's highlights as a client reads them."""
    nodes: list[dict[str, Any]] = []
    after = None
    while True:
        page = told(ask(url, TRAY, {"id": account, "after": after}, client=client))["user"]["highlights"]
        nodes += page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    return [node | {"media": [item["pk"] for item in node["items"]["nodes"]]} for node in nodes]
