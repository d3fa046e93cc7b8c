"""The model of what several instances serve agrees with single operations that are counted."""

from __future__ import annotations

import pytest

from bench.instances import Traffic, Way, events, ways


@pytest.mark.parametrize(("instances", "is_shared"), [(1, False), (4, False), (4, True)])
def test_the_model_is_what_single_operations_come_to(instances: int, is_shared: bool) -> None:
    traffic = Traffic(50.0, subjects=100, lifetime=20.0)
    counted = events(instances, traffic, 600, is_shared=is_shared)
    assert ways(instances, traffic, is_shared=is_shared) == pytest.approx(counted, rel=0.05)
    assert (counted[Way.SHARED] > 0) == is_shared
