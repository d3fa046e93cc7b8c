"""The responses to requests that are refused before they are complete, without the application."""

from __future__ import annotations

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

MOST_HEAD = 65_536  # bytes of the request line and the header fields
MOST_FIELDS = 200
TEXTS = {
    400: "Invalid HTTP request received.",
    408: "The request did not come in time.",
    431: f"A request has at most {MOST_HEAD} bytes and {MOST_FIELDS} fields of head.",
    503: "Too much is open, or on its way: try again in a moment.",
}


def refusal(status: int) -> bytes:
    text = TEXTS[status].encode()
    retry = b"retry-after: 1\r\n" if status == 503 else b""
    head = b"content-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\nconnection: close\r\n" % len(text)
    return STATUS_LINE[status] + head + retry + b"\r\n" + text
