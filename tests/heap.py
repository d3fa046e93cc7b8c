"""The heap of the process that runs the tests."""

from __future__ import annotations

import gc

import pytest


@pytest.fixture(scope="module")
def frozen_heap() -> None:
    """For modules whose tests collect garbage: the objects of earlier tests are not searched by each of them."""
    gc.collect()
    gc.freeze()
