"""What all commands share: their form, and how they say that they cannot go on."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping

# A client's key, for commands that ask a gateway. No setting of the gateway's own, so not named like one.
KEY_VARIABLE = "HIGHLIGHTS_GATEWAY_KEY"

Command = Callable[[argparse.Namespace, Mapping[str, str]], int]


class CommandError(Exception):
    """A command cannot go on because of what it met. Its message is for the person at the terminal."""


class UsageError(CommandError):
    """A command cannot go on because of what it was given."""
