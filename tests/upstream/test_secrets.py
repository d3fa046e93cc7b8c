"""The key, the URL's query and the upstream's own words stay inside."""

from __future__ import annotations

import asyncio
import logging
import traceback

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.reads.endpoints import Call
from gateway.reads.port import ReadOutcome
from gateway.upstream.hikerapi import endpoints
from gateway.upstream.hikerapi.hiker_endpoint import HikerEndpoint
from tests.fakes.clock import VirtualLoop
from tests.upstream.harness import KEY, TRAY, Step, Upstream, answer

SIGNED = "oh=00_Secret-signature&oe=69AA3F6F"
LEAKY = f"{KEY} https://hiker.test/v1/x?{SIGNED} x-access-key"


async def torn(request: httpx.Request) -> httpx.Response:
    async def body() -> object:
        yield TRAY[:10]
        raise httpx.ReadError(LEAKY)

    return httpx.Response(200, content=body())  # type: ignore[arg-type]  # an async generator, which httpx takes


STEPS: list[Step] = [
    *(answer(status, {"detail": LEAKY, "error": LEAKY, "exc_type": LEAKY}, retry_after="1", x_hiker_info=LEAKY)
      for status in (200, 302, 400, 401, 402, 403, 404, 410, 422, 429, 500, 503)),
    *(answer(status, LEAKY.encode()) for status in (200, 403, 404, 502)),
    answer(200, [{"pk": "1", "user": {"pk": "1"}, "title": {LEAKY: LEAKY}, "cover_media": LEAKY}]),
    *(kind(LEAKY) for kind in (httpx.ConnectError, httpx.ConnectTimeout, httpx.ReadTimeout, httpx.ReadError)),
    RuntimeError(LEAKY),
    torn,
]  # fmt: skip


@given(st.lists(st.sampled_from(STEPS), min_size=1, max_size=4), st.sampled_from(list(endpoints.ENDPOINTS)))
def test_no_event_error_or_log_line_holds_a_secret(steps: list[Step], endpoint: HikerEndpoint) -> None:
    upstream = Upstream(*steps)
    lines: list[str] = []
    listener = logging.Handler()
    listener.emit = lambda record: lines.append(listener.format(record))  # type: ignore[method-assign]

    async def run() -> ReadOutcome:
        return await upstream.api(rate=None).fetch(Call(endpoint, "1 1" if " " in endpoint.parameter else "1"))

    logging.getLogger().addHandler(listener)
    try:
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            outcome = runner.run(run())
    finally:
        logging.getLogger().removeHandler(listener)
    problem = outcome.problem
    seen = [repr(upstream.events), *lines]
    if problem is not None:
        seen += [repr(outcome), repr(problem.extensions), *traceback.format_exception(problem)]
    for text in seen:
        assert KEY not in text
        assert "Secret-signature" not in text
        assert "x-access-key" not in text
        assert "hiker.test" not in text


async def test_a_raised_error_brings_no_cause_that_could_be_printed() -> None:
    upstream = Upstream(httpx.ConnectError(LEAKY))
    with pytest.raises(Exception, match="Could not connect") as raised:
        await upstream.api().balance()
    assert KEY not in "".join(traceback.format_exception(raised.value))
