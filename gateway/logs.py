"""Events as log lines: `key=value` pairs, so that a machine can read them too."""

from __future__ import annotations

import dataclasses
import logging

from gateway.events import (
    AnswerDrifted,
    BreakerChanged,
    BugMasked,
    ClientsFileRefused,
    Event,
    LedgerChanged,
    PriceDiffers,
    StaleServed,
    UpstreamAttempt,
)

LOGGER = logging.getLogger("gateway")
LEVELS: dict[type[Event], int] = {
    AnswerDrifted: logging.WARNING,
    BreakerChanged: logging.WARNING,
    BugMasked: logging.ERROR,
    ClientsFileRefused: logging.ERROR,
    LedgerChanged: logging.ERROR,
    PriceDiffers: logging.WARNING,
    StaleServed: logging.WARNING,
    UpstreamAttempt: logging.DEBUG,
}


def log(event: Event) -> None:
    """A hook. A masked bug is logged with its traceback; no other event holds more than its own fields."""
    level = LEVELS.get(type(event), logging.INFO)
    if LOGGER.isEnabledFor(level):
        cause = event.error if isinstance(event, BugMasked) else None
        LOGGER.log(level, "%s %s", type(event).__name__, _fields(event), exc_info=cause)


def _fields(event: Event) -> str:
    pairs = ((field.name, getattr(event, field.name)) for field in dataclasses.fields(event) if field.repr)
    return " ".join(f"{name}={value}" for name, value in pairs)
