"""Whether the process lives, and whether it can answer what is not cached."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

Check = Callable[[], str | None]


def routes(checks: Mapping[str, Check]) -> list[Route]:
    """`/healthz` and `/readyz`. A check says in one sentence what is wrong, or None."""

    async def alive(request: Request) -> JSONResponse:
        return JSONResponse({"status": "ok"})

    async def ready(request: Request) -> JSONResponse:
        problems = {name: problem for name, check in checks.items() if (problem := check()) is not None}
        return JSONResponse({"ready": not problems, "problems": problems}, status_code=503 if problems else 200)

    return [Route("/healthz", alive), Route("/readyz", ready)]
