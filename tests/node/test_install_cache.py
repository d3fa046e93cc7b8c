"""What is made once is made once, is complete, and goes when its sources have changed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.node import install_cache


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(install_cache, "KEPT", tmp_path / "kept")
    return tmp_path / "kept" / "one"


def test_whoever_asks_at_the_same_time_waits_for_the_one_who_makes_it(place: Path) -> None:
    made: list[Path] = []
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: install_cache.once(place, made.append), range(8)))
    assert len(made) == 1
    assert place.is_dir()


def test_what_was_left_unfinished_is_made_again(place: Path) -> None:
    def fail(unfinished: Path) -> None:
        (unfinished / "half").touch()
        raise FileExistsError

    with pytest.raises(FileExistsError):
        install_cache.once(place, fail)
    assert not place.exists()
    install_cache.once(place, lambda unfinished: (unfinished / "whole").touch())
    assert [path.name for path in place.iterdir()] == ["whole"]


def test_what_was_made_of_other_sources_is_removed(place: Path) -> None:
    for name in ("one", "other"):
        install_cache.once(place.with_name(name), lambda _: None)
    install_cache.clear({place})
    assert [path.name for path in place.parent.iterdir() if path.is_dir()] == ["one"]
