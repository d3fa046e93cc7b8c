"""CONTRIBUTING.md shows an operation with its calls: they are those that it buys."""

from __future__ import annotations

import re
from pathlib import Path

from tests.fakes.gateway import running_gateway

TEXT = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text()
SECTION = TEXT.partition("## See why an operation cost 5\n")[2].partition("\n## ")[0]


async def test_the_operation_that_costs_5_buys_the_calls_of_the_table(tmp_path: Path) -> None:
    (document,) = re.findall(r"^```graphql\n(.*?)^```", SECTION, re.MULTILINE | re.DOTALL)
    rows = re.findall(r"^\| `([\w.]+)` \| `(\w+)` \| `(\w+)` \| (\d) \| .+ \|$", SECTION, re.MULTILINE)
    async with running_gateway(tmp_path) as gateway:
        answer = await gateway.query(document, headers={"x-billing-explain": "1"})
    calls = answer.billing["calls"]
    assert [(call["path"], call["endpoint"], call["key"], str(call["charged"])) for call in calls] == rows
    assert answer.charged == sum(int(charged) for *_, charged in rows) == 5
