"""The removal of accounts from the bodies of webhooks."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from gateway.domain.id_mentions import IdMentions


def mentions(body: bytes, ids: Sequence[str]) -> bool:
    """Return whether one of the ids is in the body; in one that is no JSON, anywhere as a whole number."""
    try:
        return IdMentions(ids).in_json(msgspec.json.decode(body))
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        pass
    pattern = b"|".join(re.escape(id.encode()) for id in ids)
    return re.search(rb"(?<![0-9])(?:" + pattern + rb")(?![0-9])", body) is not None


def without_accounts(body: bytes, ids: Sequence[str]) -> bytes | None:
    """Return the body without the entries of the accounts; None if nothing is left that does not mention them."""
    try:
        content = msgspec.json.decode(body)
        entries = [one for one in content["entry"] if not mentions(msgspec.json.encode(one), ids)]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, KeyError, TypeError):
        return None
    rest = msgspec.json.encode(content | {"entry": entries})
    return rest if entries and not mentions(rest, ids) else None
