"""Checks over the network: the read API with its key and balance, the clock, and the publishing API with its token."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from gateway.billing.forecast import DAYS, Forecast, first_day, forecast
from gateway.billing.ledger_file import report_of
from gateway.billing.ledger_store import LedgerUnusable
from gateway.commands.doctor.connections import TIMEOUT_SECONDS, Connect, Recorder, connect, is_in_clear, reason
from gateway.commands.doctor.findings import NETWORK, Finding, Installation, ok, problem, skipped, warning
from gateway.domain.publishing import Account
from gateway.errors import (
    AccountDisconnected,
    GatewayError,
    InsufficientFunds,
    LedgerUnavailable,
    PermissionMissing,
    RouteMissing,
    UpstreamRejected,
    UpstreamUnauthorized,
)
from gateway.events import ignore
from gateway.migrations import StoreTooNew
from gateway.reads.port import Balance
from gateway.settings import Settings
from gateway.upstream.client.client import STANDARD
from gateway.upstream.hikerapi import client as hikerapi
from gateway.upstream.platforms.client import PublishingPolicy
from gateway.upstream.platforms.dialects import Dialect, account_of

UPSTREAM, CLOCK, KEY, BALANCE, PUBLISHING = NETWORK
KEY_SETTING, URL_SETTING = "GATEWAY_HIKERAPI_KEY", "GATEWAY_HIKERAPI_URL"
TOKEN_SETTING, PLATFORM_SETTING = "GATEWAY_PLATFORM_TOKEN", "GATEWAY_PLATFORM_URL"
EXPECTED = (200, 401, 402, 403, 429)
MOST_SKEW = 30.0  # seconds
DAY, HOUR = 86_400.0, 3_600.0  # seconds
FEW_DAYS = 7.0
TOP_UP = "Top up the account of the read API, or lower the allowances of the clients."


@dataclass(frozen=True, slots=True)
class BalanceReply:
    """The response to a request for the balance, which is free: the balance or the error, and the exchange."""

    result: Balance | GatewayError
    exchange: Recorder


def upstreams(installation: Installation, connect: Connect = connect) -> Iterable[Finding]:
    """Return the findings of all checks over the network."""
    return asyncio.run(findings_of(installation, connect))


async def findings_of(installation: Installation, connect: Connect) -> list[Finding]:
    """Return the findings of all checks over the network; `connect` makes the transport to a proxy, or without one."""
    settings = installation.settings
    publishing = asyncio.ensure_future(_publishing(installation, connect))
    if settings.sandboxed:
        text = f"The embedded sandbox is used: {KEY_SETTING} is not set."
        return [*(skipped(check, text) for check in NETWORK[:-1]), await publishing]
    reading = await _read(installation, connect)
    findings = [*_of_upstream(settings, reading), _of_clock(reading.exchange), *_of_account(installation, reading)]
    return [*findings, await publishing]


async def _read(installation: Installation, connect: Connect) -> BalanceReply:
    settings = installation.settings
    exchange = Recorder(connect(settings.proxies.to(settings.hikerapi_url)), installation.clock)
    api = hikerapi.connect(
        base_url=settings.hikerapi_url,
        key=settings.hikerapi_key or "",
        rate=hikerapi.PAID_RATE,
        transport=exchange,
        policy=replace(STANDARD, attempts=1, deadline=TIMEOUT_SECONDS, read=TIMEOUT_SECONDS),
        clock=installation.clock,
        hook=ignore,
    )
    try:
        return BalanceReply(await api.balance(), exchange)
    except GatewayError as error:
        return BalanceReply(error, exchange)
    finally:
        await api.aclose()


def _of_upstream(settings: Settings, reading: BalanceReply) -> Iterator[Finding]:
    url, exchange = settings.hikerapi_url, reading.exchange
    proxy = settings.proxies.to(url)
    if exchange.status is None:
        yield problem(UPSTREAM, *reason(exchange.error, url, proxy, URL_SETTING))
        return
    by = "" if proxy is None else f" by the proxy of {proxy.variable}"
    text = f"{url} answers in {exchange.seconds * 1_000:.0f} ms{by}"
    if exchange.status not in EXPECTED:
        remedy = f"Check that {URL_SETTING} is the URL of the read API. If it is, the API fails: ask the vendor."
        yield problem(UPSTREAM, f"{text}, with status {exchange.status}.", remedy)
    elif is_in_clear(url):
        yield warning(UPSTREAM, f"{text}, without TLS: others can read the key.", f"Use https in {URL_SETTING}.")
    else:
        yield ok(UPSTREAM, f"{text}.")


def _of_clock(exchange: Recorder) -> Finding:
    if exchange.ahead is None:
        return skipped(CLOCK, "The upstream has not told its time.")
    side = "behind" if exchange.ahead > 0 else "ahead of"
    text = f"The clock of this machine is {abs(exchange.ahead):.0f} s {side} that of the upstream."
    if abs(exchange.ahead) > MOST_SKEW:
        remedy = "Synchronize it (NTP): expiries of URLs and keys, and the windows of allowances, depend on it."
        return problem(CLOCK, text, remedy)
    return ok(CLOCK, text)


def _of_account(installation: Installation, reading: BalanceReply) -> Iterator[Finding]:
    """Yield the findings about the key and the balance."""
    match reading.result:
        case Balance():
            yield ok(KEY, "The upstream accepts the key.")
            yield _of_balance(installation, reading.result)
        case InsufficientFunds():
            yield ok(KEY, "The upstream accepts the key.")
            yield problem(BALANCE, "The account is empty: nothing can be bought.", TOP_UP)
        case UpstreamUnauthorized():
            yield problem(
                KEY, "The upstream refuses the key.", f"Correct {KEY_SETTING}: the vendor's console shows it."
            )
            yield skipped(BALANCE, "The key is refused.")
        case UpstreamRejected() if reading.exchange.status == 403:
            yield problem(
                KEY,
                "The upstream denies access (403).",
                f"Check {KEY_SETTING}, and whether the vendor or a proxy restricts the addresses that may connect.",
            )
            yield skipped(BALANCE, "Access is denied.")
        case error:
            what = "has not answered" if reading.exchange.status is None else "has answered something else"
            yield skipped(KEY, f"The upstream {what}.")
            yield skipped(BALANCE, f"The upstream {what}: {error.message}")


def _of_balance(installation: Installation, balance: Balance) -> Finding:
    floor = installation.settings.balance_floor
    worth = "" if balance.amount is None else f", worth {balance.amount:.2f} {balance.currency or ''}".rstrip()
    text = f"{balance.requests:,} billed requests are left{worth}"
    if balance.requests <= floor:
        return problem(BALANCE, f"{text}, and GATEWAY_BALANCE_FLOOR is {floor:,}: nothing is bought.", TOP_UP)
    expected = _forecast(installation, balance.requests)
    if expected is None or expected.per_day is None or expected.since is None:
        return ok(BALANCE, f"{text}; the ledger has no spending of the last {DAYS} days, or of less than an hour.")
    days = (balance.requests - floor) / expected.per_day
    base = _duration(installation.clock.now() - expected.since)
    text += f"; at {expected.per_day:,.0f} a day, as in the last {base}, they last for {days:,.1f} days"
    return warning(BALANCE, f"{text}.", TOP_UP) if days < FEW_DAYS else ok(BALANCE, f"{text}.")


def _forecast(installation: Installation, balance: int) -> Forecast | None:
    """Return the forecast that `Query.gateway` has; None if the ledger cannot be read."""
    now = installation.clock.now()
    settings = installation.settings
    try:
        if settings.ledger_url is None:
            rows, made = report_of(settings.database_path, first_day(now))
        else:
            from gateway.billing import postgres_access

            rows, made = postgres_access.report_of(settings.ledger_url, first_day(now))
    except (LedgerUnavailable, LedgerUnusable, StoreTooNew):
        return None
    return forecast(rows, balance, settings.balance_floor, now, made=made)


def _duration(seconds: float) -> str:
    return f"{seconds / DAY:.1f} days" if seconds >= DAY else f"{seconds / HOUR:.1f} hours"


async def _publishing(installation: Installation, connect: Connect) -> Finding:
    settings = installation.settings
    url, token = settings.platform_url, settings.platform_token
    if url is not None and token is None:
        return skipped(PUBLISHING, f"{TOKEN_SETTING} is not set: accounts are published for that are connected.")
    if url is None or token is None:
        what = "The embedded sandbox is published to" if settings.sandboxed else "Nothing is published"
        return skipped(PUBLISHING, f"{what}: {TOKEN_SETTING} is not set.")
    proxy = settings.proxies.to(url)
    exchange = Recorder(connect(proxy), installation.clock)
    policy = PublishingPolicy(attempts=1, deadline=TIMEOUT_SECONDS, read=TIMEOUT_SECONDS)
    dialect = Dialect(settings.platform_dialect)
    try:
        account = await account_of(
            dialect, url, token, transport=exchange, policy=policy, clock=installation.clock, hook=ignore
        )
    except GatewayError as error:
        if exchange.status is None:
            return problem(PUBLISHING, *reason(exchange.error, url, proxy, PLATFORM_SETTING))
        return problem(PUBLISHING, *_of_refusal(error))
    finally:
        await exchange.aclose()
    return _of_token(account, url)


def _of_token(account: Account, url: str) -> Finding:
    text = f"{url} accepts the token, of the account {account.username} ({account.id})"
    if is_in_clear(url):
        return warning(PUBLISHING, f"{text}, without TLS: others can read it.", f"Use https in {PLATFORM_SETTING}.")
    return ok(PUBLISHING, f"{text}.")


def _of_refusal(error: GatewayError) -> tuple[str, str]:
    match error:
        case AccountDisconnected():
            return error.message, f"Set {TOKEN_SETTING} to a new token or session of the account."
        case PermissionMissing():
            return error.message, f"Grant the permission to the app, and set {TOKEN_SETTING} to a new token."
        case RouteMissing():
            return error.message, f"Check {PLATFORM_SETTING}, and that GATEWAY_PLATFORM_DIALECT is of that API."
        case _:
            return error.message, f"Check {PLATFORM_SETTING}, and try again: the API may fail."
