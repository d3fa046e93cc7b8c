"""The error codes of flows, as an enum of the graph."""

from __future__ import annotations

import enum
from typing import Any

from gateway import errors
from schema.enums import describe_enum

UNKNOWN = "UNKNOWN"
# The errors that a step or a flow may end with, with what each means there.
DESCRIPTIONS: dict[type[errors.GatewayError], str] = {
    errors.InvalidInput: "The input of the flow is invalid.",
    errors.NotFound: "The entity does not exist.",
    errors.UpstreamUnavailable: "The platform failed or could not be reached.",
    errors.UpstreamTimeout: "The platform did not respond in time.",
    errors.UpstreamRateLimited: "The platform is rate limiting the account.",
    errors.AccountRestricted: "The platform restricts the account's actions. The flow waits until it has rested.",
    errors.ReconnectRequired: "The account must be connected again. The flow waits for that, and then goes on.",
    errors.UpstreamUnauthorized: "The platform refused the gateway's own key.",
    errors.UpstreamRejected: "The platform rejected a read.",
    errors.UpstreamInvalidAnswer: "The response of the platform could not be read.",
    errors.AccountDisconnected: "The platform no longer accepts the account's token. Reconnect the account.",
    errors.PermissionMissing: "The account's token lacks a permission.",
    errors.QuotaExhausted: "The publishing quota of the account is exhausted.",
    errors.MediumRefused: "The platform refused a medium, or could not process it.",
    errors.ContainerExpired: "An uploaded medium or its story expired before it could be used.",
    errors.RouteMissing: "The publishing upstream does not know the route: it is another API or release.",
    errors.PublishingRejected: "The platform rejected the write.",
    errors.Forbidden: "The client may no longer publish for the account.",
    errors.UnsupportedByPlatform: "The publishing upstream of this gateway does not support the write.",
    errors.FlowsUnavailable: "The store of flows could not be reached.",
}
MASKED = "INTERNAL_SERVER_ERROR"


def _texts() -> dict[str, str]:
    texts = {kind.code: description for kind, description in DESCRIPTIONS.items()}
    texts[MASKED] = "An error of the gateway itself, which its log describes."
    texts[UNKNOWN] = "An error that only another version of the gateway knows."
    return texts


TEXTS = _texts()
_make: Any = enum.Enum
FlowErrorCode = _make("FlowErrorCode", {code: code for code in TEXTS})
describe_enum(
    FlowErrorCode, "FlowErrorCode", "The kind of a flow's error.", {FlowErrorCode[code]: TEXTS[code] for code in TEXTS}
)


def error_code(code: str) -> Any:
    """Return the value for a recorded code; UNKNOWN for one that this version does not know."""
    return FlowErrorCode.__members__.get(code, FlowErrorCode[UNKNOWN])
