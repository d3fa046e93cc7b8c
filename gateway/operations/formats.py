"""The formats of manifests. Apart from what reads and writes them, because the command line names them, too."""

from __future__ import annotations

import enum


class Format(enum.Enum):
    APOLLO = "apollo"
    RELAY = "relay"
    CODEGEN = "codegen"
