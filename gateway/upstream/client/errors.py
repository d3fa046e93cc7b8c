"""Errors of a call as such, whatever the upstream: no answer, or one that cannot be read."""

from __future__ import annotations

from typing import assert_never

import msgspec

from gateway.errors import GatewayError, UpstreamInvalidAnswer, UpstreamTimeout, UpstreamUnavailable
from gateway.upstream.client.exchange import Failure, Reply


class Envelope(msgspec.Struct, frozen=True, gc=False):
    """What both error envelopes share; the endpoint's has `detail`, the account's `state` and `error` beside it."""

    exc_type: str | None = None


ENVELOPE = msgspec.json.Decoder(Envelope)


def error_type(reply: Reply) -> str | None:
    """The envelope's `exc_type`, empty if it names none that can be read; None if the body is no JSON object."""
    try:
        return ENVELOPE.decode(reply.body).exc_type or ""
    except msgspec.ValidationError:
        return "" if reply.body.lstrip().startswith(b"{") else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def error_from_failure(reply: Reply, subject: str) -> GatewayError:
    """For a reply with a failure."""
    match reply.failure:
        case Failure.REFUSED:
            return UpstreamUnavailable(
                f"The upstream is failing, so {subject} was not asked for.", retry_after=reply.retry_after
            )
        case Failure.QUEUED:
            return UpstreamTimeout(f"The line before the upstream was too long for {subject}.")
        case Failure.UNREACHED:
            return UpstreamUnavailable(f"The upstream could not be reached for {subject}.")
        case Failure.SILENT:
            return UpstreamTimeout(f"The upstream did not answer for {subject} in time.")
        case Failure.OVERSIZED:
            return UpstreamInvalidAnswer(f"The upstream's answer for {subject} is larger than any that is read.")
        case Failure.BROKEN | None:
            return invalid_answer(subject)
        case _:
            assert_never(reply.failure)


def invalid_answer(subject: str) -> UpstreamInvalidAnswer:
    return UpstreamInvalidAnswer(f"The upstream's answer for {subject} could not be read.")
