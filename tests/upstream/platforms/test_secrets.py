"""The token, signed URLs and the upstream's own words stay inside."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable

import httpx
from hypothesis import assume, example, given
from hypothesis import strategies as st

from gateway.domain.publishing import HighlightChanges
from gateway.errors import GatewayError
from gateway.upstream.platforms.client import RequestSpec
from gateway.upstream.platforms.dialects import Dialect
from gateway.upstream.platforms.platform import bearer
from tests.fakes.clock import VirtualLoop
from tests.upstream.platforms.stub import KEY, NATGEO, PICTURE, TOKEN, FullPublisher, Step, answer, problem, upstream

FRESH = "fresh-t0ken"
LEAKY = f"{TOKEN} {PICTURE.url} Bearer x-session-id"
SECRETS = (TOKEN, FRESH, "S3cret-signature", "images.test", "Bearer", "platform.test")
WHOLE = {LEAKY: LEAKY, "title": {LEAKY: 1}, "pk": "1", "id": "1", "status": LEAKY, "error": {"code": LEAKY}}
STEPS: list[Step] = [
    *(answer(status, {"error": {"message": LEAKY, "type": LEAKY, "code": 100}, "detail": LEAKY, "exc_type": LEAKY},
             retry_after="1", x_app_usage=LEAKY, x_business_use_case_usage=LEAKY)
      for status in (200, 302, 400, 401, 403, 404, 422, 429, 500, 503)),
    *(answer(status, LEAKY.encode()) for status in (200, 400, 404, 502)),
    *(answer(status, WHOLE) for status in (200, 400)),
    problem(190, 463), answer(200, {"access_token": FRESH}), problem(352, 2207026), problem(9, 2207042),
    *(kind(LEAKY) for kind in (httpx.ConnectError, httpx.ConnectTimeout, httpx.ReadTimeout, httpx.ReadError)),
    RuntimeError(LEAKY),
]  # fmt: skip
CALLS: list[Callable[[FullPublisher], Awaitable[object]]] = [
    lambda p: p.accounts(),
    lambda p: p.upload(NATGEO, PICTURE, key=KEY),
    lambda p: p.container(NATGEO, "18"),
    lambda p: p.create(NATGEO, "Reef", ["31"], "31", key=KEY),
    lambda p: p.update(NATGEO, "1", HighlightChanges(title="Sea", cover_id="31", add=["3"], remove=["4"]), key=KEY),
    lambda p: p.delete(NATGEO, "1"),
    lambda p: p.tray(NATGEO),
    lambda p: p.highlight(NATGEO, "1"),
]
PLATFORM_CALLS: list[Callable[[FullPublisher], Awaitable[object]]] = [
    lambda p: p.publish(NATGEO, "18", key=KEY),
    lambda p: p.quota(NATGEO),
]


@example(problem(190, 463), answer(200, {"access_token": FRESH}), PLATFORM_CALLS[-1], Dialect.PLATFORM, True)
@example(problem(190, 463), answer(200, {"access_token": f"{FRESH}\u00e4"}), PLATFORM_CALLS[-1], Dialect.PLATFORM, True)
@example(problem(190, 463), httpx.ReadError(LEAKY), PLATFORM_CALLS[-1], Dialect.PLATFORM, True)
@given(
    st.sampled_from(STEPS),
    st.sampled_from(STEPS),
    st.sampled_from(CALLS + PLATFORM_CALLS),
    st.sampled_from(Dialect),
    st.booleans(),
)
def test_no_event_error_or_log_line_holds_a_secret(
    step: Step, last: Step, call: Callable[[FullPublisher], Awaitable[object]], dialect: Dialect, is_known: bool
) -> None:
    assume(dialect is Dialect.PLATFORM or call not in PLATFORM_CALLS)
    me = answer(200, {"id": NATGEO, "username": "natgeo"})
    platform = upstream(step, last, dialect=dialect, whoami=me if is_known else step)
    lines: list[str] = []
    listener = logging.Handler()
    listener.emit = lambda record: lines.append(listener.format(record))  # type: ignore[method-assign]

    async def run() -> None:
        publisher = platform.publisher()
        try:
            lines.append(repr(publisher))
            await call(publisher)
        except GatewayError as error:
            lines.extend([repr(error), repr(error.extensions), *traceback.format_exception(error)])

    logging.getLogger().addHandler(listener)
    try:
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            runner.run(run())
    finally:
        logging.getLogger().removeHandler(listener)
    for text in [repr(platform.events), *lines]:
        assert not [secret for secret in SECRETS if secret in text], text


def test_a_request_that_is_printed_shows_neither_token_nor_url() -> None:
    """A traceback that shows locals, or a debugger, prints it."""
    ask = RequestSpec(
        "POST",
        "/media/upload",
        "platform.upload",
        "the upload",
        bearer(TOKEN),
        query={"access_token": TOKEN},
        json={"media_url": PICTURE.url},
    )
    assert not [secret for secret in SECRETS if secret in repr(ask)]
