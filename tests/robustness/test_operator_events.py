"""What an operator hears of the upstream account and its key: in the log, once for each change."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.events import BalanceRead
from gateway.sandbox.faults import Status
from gateway.settings import Settings
from tests.robustness.harness import codes_of, staged

TRAY = '{ user(by: {id: "787132"}) { highlights { totalCount } } }'


async def test_a_running_gateway_tells_its_balance_at_the_start_and_as_it_sinks(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "gateway")
    async with staged(Settings(data_dir=tmp_path, balance_floor=10, balance_warnings=(50,))) as stage:
        await asyncio.sleep(1)
        for balance in (500_000, 10, 1_000_000):
            stage.sandbox.balance = balance
            await asyncio.sleep(61)
        stage.sandbox.balance = 0  # told by 402, and at once
        assert codes_of((await stage.post(TRAY)).json()) == ["INSUFFICIENT_FUNDS"]
    lines = [(record.levelname, record.getMessage()) for record in caplog.records if "Balance" in record.getMessage()]
    assert lines == [
        ("INFO", "BalanceRead balance=1000000 amount=460 currency=USD"),
        ("WARNING", "BalanceLow balance=500000 percent=50 most=1000000"),
        ("WARNING", "BalanceAtFloor balance=10 floor=10"),
        ("INFO", "BalanceRecovered balance=1000000"),
        ("WARNING", "BalanceAtFloor balance=0 floor=10"),
    ]


async def test_a_balance_that_cannot_be_read_at_first_is_told_when_it_can(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "gateway")
    async with staged(Settings(data_dir=tmp_path), laid=Status(status=503)) as stage:
        await asyncio.sleep(30)
        assert not [line for line in caplog.messages if line.startswith(BalanceRead.__name__)]
        stage.sandbox.faults.clear()
        await asyncio.sleep(70)
    assert len([line for line in caplog.messages if line.startswith(BalanceRead.__name__)]) == 1


async def test_one_refusal_for_want_of_money_is_believed_for_a_minute(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It may have been a mistake, and the balance that would say so cannot be read."""
    caplog.set_level("INFO", "gateway")
    async with staged(Settings(data_dir=tmp_path), laid=Status(status=410, endpoint="/sys/balance")) as stage:
        stage.sandbox.faults.lay(
            Status(status=410, endpoint="/sys/balance"), Status(status=402, endpoint="/v1/*", times=1)
        )
        assert codes_of((await stage.post(TRAY)).json()) == ["INSUFFICIENT_FUNDS"]
        await asyncio.sleep(30)
        assert codes_of((await stage.post(TRAY)).json()) == ["INSUFFICIENT_FUNDS"]
        await asyncio.sleep(45)
        assert codes_of((await stage.post(TRAY)).json()) == []
    assert [line for line in caplog.messages if line.startswith("RefusalForgotten")] == ["RefusalForgotten"]


async def test_a_balance_that_is_refused_for_want_of_money_is_the_floor(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The question is free, so that it says nothing else: for as long as it is refused nothing is bought."""
    caplog.set_level("INFO", "gateway")
    async with staged(Settings(data_dir=tmp_path), laid=Status(status=402)) as stage:
        await asyncio.sleep(1)
        assert (await stage.ready(strict=True)).json()["problems"] == {
            "account": "The balance of the upstream account is at or below GATEWAY_BALANCE_FLOOR."
        }
        await asyncio.sleep(200)
        assert codes_of((await stage.post(TRAY)).json()) == ["INSUFFICIENT_FUNDS"]
        stage.sandbox.faults.clear()
        await asyncio.sleep(11)
        assert codes_of((await stage.post(TRAY)).json()) == []
    told = [line.partition(" ")[0] for line in caplog.messages if "Balance" in line or "Refusal" in line]
    assert told == ["BalanceAtFloor", "BalanceRead", "BalanceRecovered"]


async def test_after_a_refusal_for_want_of_money_the_balance_is_read_at_once(tmp_path: Path) -> None:
    async with staged(Settings(data_dir=tmp_path)) as stage:
        await asyncio.sleep(1)
        stage.sandbox.faults.lay(Status(status=402, endpoint="/v1/*", times=1))
        assert codes_of((await stage.post(TRAY)).json()) == ["INSUFFICIENT_FUNDS"]
        await asyncio.sleep(11)
        assert codes_of((await stage.post(TRAY)).json()) == []


async def test_a_key_that_is_refused_is_told_once_and_so_is_its_return(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Not once for each request: the first of these lines would be hard to find."""
    caplog.set_level("INFO", "gateway")
    async with staged(Settings(data_dir=tmp_path), laid=Status(status=401)) as stage:
        for _ in range(20):
            assert codes_of((await stage.post(TRAY)).json()) == ["UPSTREAM_UNAUTHORIZED"]
        assert "rejects" in (await stage.ready(strict=True)).json()["problems"]["upstream"]
        stage.sandbox.faults.clear()
        await asyncio.sleep(6)
    lines = [(record.levelname, record.getMessage()) for record in caplog.records if "Access" in record.getMessage()]
    refused = "The upstream refused the gateway's own key. Check GATEWAY_HIKERAPI_KEY."
    assert lines == [
        ("ERROR", f'UpstreamAccess state=refuses upstream=reading problem="{refused}"'),
        ("INFO", "UpstreamAccess state=answers upstream=reading"),
    ]
