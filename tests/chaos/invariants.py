"""What has to hold in the end: each key is one highlight, as it was ordered, and nothing secret stands anywhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.chaos.commands import DELETE, HOST, SIGNATURE, TITLE, UPDATE, Order
from tests.chaos.upstream import Made

Tray = Sequence[Mapping[str, Any]]


def flaws(orders: Sequence[Order], made: Made, tray: Tray, *, idempotent: bool) -> Iterator[str]:
    """One sentence for each key that is not exactly what was ordered."""
    gone = {order.base.pk for order in orders if order.base and order.document == DELETE}
    renamed = {order.base.pk: order for order in orders if order.base and order.document == UPDATE}
    known = {order.title for order in orders if order.makes}
    yield from (f"nobody ordered {title}" for title in made.highlights if title not in known)
    for order in (order for order in orders if order.makes):
        found = made.highlights.get(order.title, [])
        yield from _flaws_of(order, found, made, idempotent=idempotent)
        if not found:
            continue
        last = renamed.get(order.pk, order)
        want = [] if order.pk in gone else [last.origins]
        shown = [made.origins_of(one["media"]) for one in tray if one["pk"] == order.pk and one["title"] == last.title]
        if shown != want:
            yield f"{order.key} is in the tray {len(shown)} times, should be {len(want)}, or with other media"
    if idempotent:
        yield from (f"a medium was uploaded {count} times" for count in made.uploads.values() if count > 1)
    else:
        yield from _untold_uploads(orders, made)


def doubled(orders: Sequence[Order], made: Made) -> int:
    """Highlights that an upstream without idempotency has twice."""
    return sum(len(made.highlights.get(order.title, [])) - 1 for order in orders if order.makes)


def _flaws_of(order: Order, found: Sequence[Mapping[str, Any]], made: Made, *, idempotent: bool) -> Iterator[str]:
    if not found:
        yield f"{order.key} is lost"
    for one in found:
        if made.origins_of(one["requested_media_ids"]) != order.origins:
            yield f"{order.key} has other media, or in another order"
        told = any(str(one["id"]) in warning for warning in order.warnings)
        if one["id"] != order.pk and (idempotent or not told):
            yield f"{order.key} has a double that its flow does not tell of"
        if one["id"] == order.pk and told:
            yield f"{order.key} warns of itself"


def _untold_uploads(orders: Sequence[Order], made: Made) -> Iterator[str]:
    for order in orders:
        for place, medium in enumerate(order.media):
            if made.uploads.get(medium.origin, 0) > 1 and not any(f"medium {place}" in told for told in order.warnings):
                yield f"{order.key} left a story of medium {place} behind, and does not tell"


def leaks(folders: Sequence[Path], texts: Mapping[str, str], secrets: Sequence[str]) -> Iterator[str]:
    """Where a secret, a title, or a medium's URL stands in plain text."""
    needles = [needle.encode() for needle in (*secrets, HOST, SIGNATURE, TITLE)]
    paths = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    contents = {f"{path.parent.name}/{path.name}": _content(path) for path in paths}
    for name, content in (contents | {name: text.encode() for name, text in texts.items()}).items():
        yield from (f"{name} holds {needle.decode()}" for needle in needles if needle in content)


def _content(path: Path) -> bytes:
    """Of a file that a database at work may have done with."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def spooled(folder: Path) -> list[str]:
    """What of clients' files is still there."""
    return [str(path.relative_to(folder)) for path in (folder / "spool").glob("*/*")]
