"""What detect-secrets takes for a secret and is none. Its baseline, `.secrets.baseline`, names this file."""

from __future__ import annotations

import base64
import contextlib
import re


def is_cursor(secret: str) -> bool:
    """A cursor of a list: the scenarios that show one have no place for a comment."""
    with contextlib.suppress(ValueError):
        decoded = base64.b64decode(secret + "=" * (-len(secret) % 4), altchars=b"-_", validate=True)
        return re.fullmatch(rb"highlight:[0-9]+|[0-9]+_[0-9]+", decoded) is not None
    return False
