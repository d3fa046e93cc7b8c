"""The limit: an ASGI app that looks the request's body up and sends bytes that were made before.

    BENCH_ANSWERS=folder uvicorn bench.peers.raw:app

The folder holds pairs of `NAME.request` and `NAME.answer`.
"""

from __future__ import annotations

import os
from pathlib import Path

from starlette.types import Receive, Scope, Send

ANSWERS = {
    path.read_bytes(): path.with_suffix(".answer").read_bytes()
    for path in Path(os.environ["BENCH_ANSWERS"]).glob("*.request")
}


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] != "http":
        return
    body = b""
    while True:
        message = await receive()
        body += message["body"]
        if not message["more_body"]:
            break
    answer = ANSWERS.get(body, b"")
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(answer))]
    await send({"type": "http.response.start", "status": 200 if answer else 404, "headers": headers})
    await send({"type": "http.response.body", "body": answer})
