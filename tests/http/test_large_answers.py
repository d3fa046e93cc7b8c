"""What a large answer takes: it is bounded before anything is bought, and made and sent in steps."""

from __future__ import annotations

from typing import Any

from tests.fakes.gateway import RunningGateway
from tests.http.counted import work_of

TRAY = "query T($n: String!) { user(by: { username: $n }) { highlights(first: 1) { nodes { id ...H } } } }"
TRAY += " fragment H on Highlight { items { totalCount } }"


async def highlight(gateway: RunningGateway) -> str:
    """The id of one with a hundred items, which is bought."""
    answer = await gateway.query(TRAY, {"n": "hundred.highlights"})
    (found,) = answer.data["user"]["highlights"]["nodes"]
    assert found["items"]["totalCount"] == 100
    return str(found["id"])


async def work(gateway: RunningGateway, document: str, variables: dict[str, Any] | None = None) -> int:
    """Function calls of an operation whose document is known, with variables that are new."""
    return (await work_of(gateway.query(document, variables))).calls


async def test_a_link_is_signed_once_in_an_operation(gateway: RunningGateway) -> None:
    document = "query A($i: [ID!]!) { highlights(ids: $i) { items { nodes { id thumbnailUrl(proxied: true) } } } }"
    id_ = await highlight(gateway)
    answer = await gateway.query(document, {"i": [id_]})
    once = answer.data["highlights"][0]["items"]["nodes"]
    assert len({item["thumbnailUrl"] for item in once}) == 100
    few = await work(gateway, document, {"i": [id_] * 2})
    many = await work(gateway, document, {"i": [id_] * 12})
    assert (many - few) / 10 / 100 < 20  # function calls for each link more; to sign one takes 30
    again = await gateway.query(document, {"i": [id_] * 3})
    assert again.data["highlights"] == [{"items": {"nodes": once}}] * 3


async def test_the_schema_is_printed_once(gateway: RunningGateway) -> None:
    document = " ".join(["{", *(f"s{at}: _service {{ sdl }}" for at in range(10)), "}"])
    answer = await gateway.query(document)
    assert len({each["sdl"] for each in answer.data.values()}) == 1
    assert await work(gateway, document) < 10_000
