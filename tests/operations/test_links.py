"""A highlight's links are made of its id: they cost nothing, and lead back to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.gateway import running_gateway

SHARED = "https://www.instagram.com/s/aGlnaGxpZ2h0OjE4MDg1NDc1NjcxODMwNDQw"


async def test_the_links_of_a_highlight_cost_nothing(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway:
        answer = await gateway.query('{ highlight(by: { id: "18085475671830440" }) { url shareUrl } }')
        page = "https://www.instagram.com/stories/highlights/18085475671830440/"
        assert answer.data == {"highlight": {"url": page, "shareUrl": SHARED}}
        assert gateway.calls == {}


@pytest.mark.parametrize("link", ["url", "shareUrl"])
async def test_each_link_leads_back_to_its_highlight(tmp_path: Path, link: str) -> None:
    async with running_gateway(tmp_path) as gateway:
        first = await gateway.query(f'{{ highlight(by: {{ id: "18085475671830440" }}) {{ {link} }} }}')
        again = await gateway.query(f'{{ highlight(by: {{ url: "{first.data["highlight"][link]}" }}) {{ title }} }}')
        assert again.data == {"highlight": {"title": "me 🦋"}}
        assert gateway.calls == {"highlight": 1}
