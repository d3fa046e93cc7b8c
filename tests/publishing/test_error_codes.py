"""Each error that a flow may end with has a value in the graph."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gateway import errors
from schema.flow_error_codes import FlowErrorCode, error_code

# Of the read API, which no step of a flow asks.
OF_READS = {errors.InsufficientFunds, errors.UpstreamPartialAnswer}


def kinds(base: type[errors.GatewayError]) -> Iterator[type[errors.GatewayError]]:
    for kind in base.__subclasses__():
        if "code" in vars(kind) and kind.__module__ == errors.__name__:
            yield kind
        yield from kinds(kind)


@pytest.mark.parametrize("base", [errors.UpstreamError, errors.PublishingError])
def test_each_error_of_an_upstream_has_a_code_of_its_own(base: type[errors.GatewayError]) -> None:
    codes = [kind.code for kind in kinds(base) if kind not in OF_READS]
    assert len(codes) > 5
    assert [error_code(code).name for code in codes] == codes


def test_a_code_that_another_version_recorded_is_unknown() -> None:
    assert error_code("NEVER_HEARD_OF") is FlowErrorCode["UNKNOWN"]
