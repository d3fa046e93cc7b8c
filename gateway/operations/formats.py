"""The formats of manifests, apart from their readers and writers because the command line names them too."""

from __future__ import annotations

import enum


class ManifestFormat(enum.Enum):
    APOLLO = "apollo"
    RELAY = "relay"
    CODEGEN = "codegen"
