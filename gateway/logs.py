"""Events as log lines of `key=value` pairs, readable by machines too."""

from __future__ import annotations

import dataclasses
import logging

from gateway.events import (
    AnswerTooLarge,
    BalanceAtFloor,
    BalanceLow,
    CircuitBreakerStateChanged,
    ClientsReloadFailed,
    EndpointRetired,
    Event,
    FlowsDirectoryRefused,
    InternalErrorMasked,
    LedgerAvailabilityChanged,
    LedgerLost,
    PriceDisbelieved,
    PriceMismatch,
    ResponseSchemaMismatch,
    StaleServed,
    StepRetried,
    TokenRefreshed,
    UpstreamAccess,
    UpstreamAttempt,
    WorkflowsRecovered,
    WorkflowStoreAvailabilityChanged,
)

LOGGER = logging.getLogger("gateway")
LEVELS: dict[type[Event], int] = {
    ResponseSchemaMismatch: logging.WARNING,
    AnswerTooLarge: logging.WARNING,
    BalanceAtFloor: logging.WARNING,
    BalanceLow: logging.WARNING,
    InternalErrorMasked: logging.ERROR,
    ClientsReloadFailed: logging.ERROR,
    WorkflowsRecovered: logging.WARNING,
    FlowsDirectoryRefused: logging.ERROR,
    LedgerLost: logging.ERROR,
    EndpointRetired: logging.WARNING,
    PriceMismatch: logging.WARNING,
    PriceDisbelieved: logging.WARNING,
    StaleServed: logging.WARNING,
    StepRetried: logging.WARNING,
    TokenRefreshed: logging.WARNING,
    UpstreamAttempt: logging.DEBUG,
}


def log(event: Event) -> None:
    """Log the event; a hook. A masked bug is logged with its traceback, every other event only with its fields."""
    level = _level(event)
    if LOGGER.isEnabledFor(level):
        cause = event.error if isinstance(event, InternalErrorMasked) else None
        LOGGER.log(level, "%s %s", type(event).__name__, _fields(event), exc_info=cause)


def _level(event: Event) -> int:
    """Return the level: losing a required dependency is an error; having it, at the start or again, is not."""
    match event:
        case CircuitBreakerStateChanged(is_news=False):
            return logging.DEBUG
        case CircuitBreakerStateChanged(state="opened"):
            return logging.WARNING
        case WorkflowStoreAvailabilityChanged(reachable=False) | LedgerAvailabilityChanged(writable=False):
            return logging.ERROR
        case UpstreamAccess(state="refuses" | "fails"):
            return logging.ERROR
        case _:
            return LEVELS.get(type(event), logging.INFO)


def _fields(event: Event) -> str:
    pairs = ((field.name, getattr(event, field.name)) for field in dataclasses.fields(event) if field.repr)
    return " ".join(f"{name}={value}" for name, value in pairs)
