"""docs/architecture.md shows the packages as the import map has them."""

from __future__ import annotations

import pytest

from tests.meta.package_map import BEGIN, DOCUMENT, END, READ, WRITE, picture, written
from tests.meta.test_imports import STEPS, step


def test_the_picture_in_the_document_is_the_one_that_the_map_gives() -> None:
    text = DOCUMENT.read_text()
    assert (text.count(BEGIN), text.count(END)) == (1, 1)
    assert text == written(text), "run: .venv/bin/python -m tests.meta.package_map"


@pytest.mark.parametrize("way", [READ, WRITE], ids=["read", "write"])
def test_each_package_of_a_way_is_on_the_map(way: tuple[tuple[str, str], ...]) -> None:
    assert [package for package, _ in way if step(package) is None] == []


def test_each_package_and_each_part_of_a_way_has_its_line() -> None:
    lines = picture().splitlines()
    for package in frozenset().union(*STEPS):
        assert len([line for line in lines if line.startswith(f"│ {package.removeprefix('gateway.')} ")]) == 1
    for way in (READ, WRITE):
        for number, (_, does) in enumerate(way, 1):
            assert any(f"{number:2} {does}" in line for line in lines)


def test_a_picture_of_another_map_is_replaced() -> None:
    new = f"```text\n{picture()}```\n"
    assert written(f"before\n{BEGIN}an old one\n{END}after\n") == f"before\n{BEGIN}{new}{END}after\n"
