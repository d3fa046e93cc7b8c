"""Errors of a call that are the same for all upstreams: no response, or one that cannot be decoded."""

from __future__ import annotations

from typing import assert_never

import msgspec

from gateway.errors import (
    GatewayError,
    UpstreamInvalidAnswer,
    UpstreamRateLimited,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from gateway.upstream.client.exchange import Failure, Reply


class Envelope(msgspec.Struct, frozen=True, gc=False):
    """The member shared by both error envelopes; the endpoint's adds `detail`, the account's `state` and `error`."""

    exc_type: str | None = None


ENVELOPE = msgspec.json.Decoder(Envelope)


def error_type(reply: Reply) -> str | None:
    """Return the envelope's `exc_type`, empty if it has no valid one; None if the body is not a JSON object."""
    try:
        return ENVELOPE.decode(reply.body).exc_type or ""
    except msgspec.ValidationError:
        return "" if reply.body.lstrip().startswith(b"{") else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def error_from_failure(reply: Reply, subject: str) -> GatewayError:
    """Return the error for a reply with a failure. `subject` names the requested object in the message."""
    match reply.failure:
        case Failure.REFUSED:
            return UpstreamUnavailable(
                f"The upstream is failing, so {subject} was not requested.", retry_after=reply.retry_after
            )
        case Failure.SHED:
            return UpstreamRateLimited(
                f"More requests wait for the upstream than can be sent in time, so {subject} was not requested.",
                retry_after=reply.retry_after,
            )
        case Failure.QUEUED:
            return UpstreamTimeout(f"Timed out in the request queue before {subject} could be requested.")
        case Failure.UNREACHED:
            return UpstreamUnavailable(f"Could not connect to the upstream for {subject}.")
        case Failure.SILENT:
            return UpstreamTimeout(f"The upstream did not respond for {subject} in time.")
        case Failure.OVERSIZED:
            return UpstreamInvalidAnswer(f"The upstream's response for {subject} exceeds the size limit.")
        case Failure.BROKEN | None:
            return invalid_answer(subject)
        case _:
            assert_never(reply.failure)


def invalid_answer(subject: str) -> UpstreamInvalidAnswer:
    return UpstreamInvalidAnswer(f"The upstream's response for {subject} could not be decoded.")
