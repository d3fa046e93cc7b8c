"""The remaining allowance of a client."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Self

import strawberry

from gateway.billing.budget import OperationBudget, WindowFigures
from gateway.clients import Client, Right
from gateway.domain.window import Window
from schema.enums import describe_enum

describe_enum(
    Window,
    name="AllowanceWindow",
    description="A calendar window in UTC, in which an allowance limits spending.",
    values={
        Window.MINUTE: "A minute of the clock.",
        Window.HOUR: "An hour of the clock.",
        Window.DAY: "A calendar day.",
        Window.MONTH: "A calendar month.",
    },
)


@strawberry.type(description="The allowance of a client in one window, in billed requests of the upstream.")
class AllowanceFigures:
    window: Window = strawberry.field(description="The kind of window.")
    limit: int = strawberry.field(description="Maximum that the client may spend in the window.")
    spent: int = strawberry.field(description="Amount spent, including amounts reserved for requests in progress.")
    remaining: int = strawberry.field(description="Amount left in the window.")
    resets_at: datetime = strawberry.field(description="Time at which the window ends.")

    @classmethod
    def of(cls, figures: WindowFigures) -> Self:
        return cls(
            window=figures.window,
            limit=figures.limit,
            spent=figures.spent,
            remaining=figures.remaining,
            resets_at=datetime.fromtimestamp(figures.resets_at, UTC),
        )


@strawberry.type(description="The account at the upstream that pays for all requests of the gateway.")
class Account:
    balance: int | None = strawberry.field(
        description="Balance in billed requests; null until the upstream has reported it."
    )
    floor: int = strawberry.field(
        description="Minimum balance in billed requests. Below it, only cached data is returned."
    )


@strawberry.type(description="The allowance of the requesting client, in billed requests of the upstream.")
class Allowance:
    client: str = strawberry.field(description="Name of the client.")
    limit: int | None = strawberry.field(
        description="Limit of the window with the least left; null if the client is unlimited."
    )
    spent: int | None = strawberry.field(
        description="Amount spent in the window with the least left; null if the client is unlimited."
    )
    remaining: int | None = strawberry.field(
        description="Amount left in the window with the least left; null if the client is unlimited."
    )
    resets_at: datetime | None = strawberry.field(
        description="Time at which the window with the least left ends; null if the client is unlimited."
    )
    ceiling: int | None = strawberry.field(description="Maximum cost of one operation; null if there is none.")
    windows: list[AllowanceFigures] = strawberry.field(
        description="All windows that apply to the client; empty if it is unlimited."
    )
    account: Account | None = strawberry.field(
        description="The account at the upstream; null if the client lacks the right `balance`."
    )

    @classmethod
    def of(cls, client: Client, budget: OperationBudget) -> Self:
        tightest = budget.allowance.tightest()
        resets_at = None if tightest is None else datetime.fromtimestamp(tightest.resets_at, UTC)
        account = Account(balance=budget.account.balance, floor=budget.account.floor)
        return cls(
            client=client.name,
            limit=budget.allowance.limit,
            spent=budget.allowance.spent,
            remaining=budget.allowance.remaining(),
            resets_at=resets_at,
            ceiling=client.ceiling,
            windows=[AllowanceFigures.of(figures) for figures in budget.allowance.figures()],
            account=account if Right.BALANCE in client.rights else None,
        )
