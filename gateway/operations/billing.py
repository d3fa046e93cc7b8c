"""`extensions.billing` and `extensions.cache` of an answer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from gateway.errors import LedgerUnavailable
from gateway.planner.bill import Line
from schema.context import Context


def report(context: Context, *, worth: int | None = None) -> dict[str, Any]:
    """The extensions of an answer. Amounts are billed requests, ages seconds.

    `worth` is what an answer that was made before would cost to buy anew.
    """
    buyer = context.buyer
    figures: dict[str, Any] = {
        "charged": buyer.bill.charged,
        "expected": buyer.bill.expected,
        "savedByCache": buyer.saved_by_cache() if worth is None else worth,
        "savedBySharing": buyer.bill.saved_by_sharing,
        "budget": buyer.purse.limit,
        "allowance": _allowance(context),
    }
    if context.explains:
        figures["calls"] = [_call(line) for line in buyer.bill.lines]
    extensions = {"billing": figures}
    if stale := buyer.bill.stale:
        extensions["cache"] = {"stale": [{"path": line.purchase.path, "age": round(line.age or 0)} for line in stale]}
    return extensions


def _allowance(context: Context) -> dict[str, Any] | None:
    """None while the ledger cannot be read: what is cached is answered all the same."""
    try:
        tightest = context.buyer.purse.allowance.tightest()
    except LedgerUnavailable:
        return None
    if tightest is None:
        return {"limit": None, "remaining": None, "resetsAt": None}
    resets_at = datetime.fromtimestamp(tightest.resets_at, UTC).isoformat()
    return {"limit": tightest.limit, "remaining": tightest.remaining, "resetsAt": resets_at}


def _call(line: Line) -> dict[str, Any]:
    purchase = line.purchase
    return {
        "path": purchase.path,
        "endpoint": purchase.call.endpoint.label,
        "key": purchase.call.key,
        "price": purchase.price,
        "charged": line.charged,
        "state": line.source.value,
        "seconds": round(line.seconds, 3),
        "error": None if line.problem is None else line.problem.code,
    }
