"""aiograpi-rest itself, where it is installed: elsewhere its tests are not collected, as `tests.packages` tells."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests import packages
from tests.fakes.clock import VirtualLoop

collect_ignore_glob = [] if packages.has_package("aiograpi") else ["test_*.py"]


def pytest_asyncio_loop_factories(item: pytest.Item) -> dict[str, Callable[[], VirtualLoop]]:
    return {"virtual": VirtualLoop}
