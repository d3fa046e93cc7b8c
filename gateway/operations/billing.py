"""The response extensions `extensions.billing` and `extensions.cache`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from gateway.billing.bill import BilledCall, BillingRecord
from gateway.billing.budget import OperationBudget
from gateway.errors import LedgerUnavailable
from schema.context import Context


def report(context: Context) -> dict[str, Any]:
    """Return the extensions of a response. Amounts are billed requests, ages are in seconds."""
    fetcher = context.fetcher
    billing = _billing(fetcher.bill, fetcher.budget, saved=fetcher.saved_by_cache(), explains=context.explains)
    extensions: dict[str, Any] = {"billing": billing}
    cache: dict[str, Any] = {}
    if stale := fetcher.bill.stale:
        cache["stale"] = [{"path": line.purchase.path, "age": round(line.age or 0)} for line in stale]
    if fetcher.lacks_shared_cache:
        cache["shared"] = "unavailable"
    return {**extensions, "cache": cache} if cache else extensions


def report_cached(budget: OperationBudget, *, worth: int, explains: bool) -> dict[str, Any]:
    """Return the extensions of a cached response, which charges nothing and would cost `worth` to fetch again."""
    return {"billing": _billing(BillingRecord(), budget, saved=worth, explains=explains)}


def _billing(bill: BillingRecord, budget: OperationBudget, *, saved: int, explains: bool) -> dict[str, Any]:
    figures: dict[str, Any] = {
        "charged": bill.charged,
        "expected": bill.expected,
        "savedByCache": saved,
        "savedBySharing": bill.saved_by_sharing,
        "budget": budget.limit,
        "allowance": _allowance(budget),
    }
    return {**figures, "calls": [_call(line) for line in bill.lines]} if explains else figures


def _allowance(budget: OperationBudget) -> dict[str, Any] | None:
    """Return None while the ledger cannot be read: cached data is served even then."""
    try:
        tightest = budget.allowance.tightest()
    except LedgerUnavailable:
        return None
    if tightest is None:
        return {"limit": None, "remaining": None, "resetsAt": None}
    resets_at = datetime.fromtimestamp(tightest.resets_at, UTC).isoformat()
    return {"limit": tightest.limit, "remaining": tightest.remaining, "resetsAt": resets_at}


def _call(line: BilledCall) -> dict[str, Any]:
    purchase = line.purchase
    return {
        "path": purchase.path,
        "endpoint": purchase.call.endpoint.label,
        "key": purchase.call.key,
        "price": purchase.price,
        "charged": line.charged,
        "state": line.source.value,
        "start": round(line.start, 3),
        "seconds": round(line.seconds, 3),
        "waited": round(line.waited, 3),
        "attempts": line.attempts,
        "error": None if line.problem is None else line.problem.code,
    }
