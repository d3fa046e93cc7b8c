"""A streaming parser for multipart bodies (RFC 7578), which holds at most one chunk of the body."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

from gateway.errors import BodyTooLarge, InvalidRequest
from gateway.http.bodies import Reading

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

PATIENCE = 30.0  # seconds
LONGEST_NAME = 200  # characters of a part's name, and of its file's
PARAMETER = re.compile(rb';[ \t]*([^\s=;"]+)[ \t]*=[ \t]*("(?:\\.|[^"\\])*"|[^;]*)', re.DOTALL)
# RFC 5987, 3.2: a charset, a language, and the text in percent-encoding.
EXTENDED = re.compile(rb"([A-Za-z0-9_-]{1,40})'[^']*'(.*)", re.DOTALL)
# Charsets in use for file names. Python knows others, some of which are slow to decode.
CHARSETS = re.compile(
    r"utf-8|us-ascii|iso-8859-[0-9]{1,2}|windows-125[0-8]|koi8-[ru]|shift_jis|euc-(jp|kr)|gbk|gb18030|big5"
)


@dataclass(frozen=True, slots=True)
class FormPart:
    """The headers of a part. `MultipartReader.content` yields its content."""

    name: str
    filename: str
    content_type: str


class MultipartReader:
    """A reader of the parts of a body, in order.

    `largest` is the maximum size of the body in bytes, and `patience` the maximum wait for the next chunk in seconds.

    Every method raises InvalidRequest for a malformed or stalled body, and BodyTooLarge.
    """

    def __init__(
        self, chunks: AsyncIterator[bytes], boundary: bytes, *, largest: int, patience: float = PATIENCE
    ) -> None:
        self._chunks = chunks
        self._patience = patience
        self._left = self._largest = largest
        self._events = DeclaredPart()
        try:
            self._parser = MultipartParser(boundary, self._events.callbacks())
        except FormParserError as exc:
            raise InvalidRequest("The boundary of the multipart body is too long.") from exc

    async def part(self) -> FormPart | None:
        """Return the next part, skipping unread content of the part before; None after the last part."""
        while await self._more():
            if isinstance(found := self._events.found.popleft(), FormPart):
                return found
        return None

    async def content(self) -> AsyncIterator[bytes]:
        """Yield the content of the part that `part` returned last."""
        while await self._more():
            found = self._events.found.popleft()
            if not isinstance(found, bytes):
                return
            yield found

    async def text(self, most: int, reading: Reading) -> bytes:
        """Return the whole content of a part of at most `most` bytes. Also raises TooManyBodies."""
        content = bytearray()
        async for piece in self.content():
            content += piece
            reading.add(len(piece))
            if len(content) > most:
                raise BodyTooLarge(f"A part that is not a file is larger than {most} bytes.")
        return bytes(content)

    async def _more(self) -> bool:
        """Read until the parser has found something, and return whether it has."""
        while not self._events.found and not self._events.is_over:
            try:
                async with asyncio.timeout(self._patience):
                    chunk = await anext(self._chunks, None)
            except TimeoutError as exc:
                raise InvalidRequest(f"No data of the body arrived for {self._patience:.0f} seconds.") from exc
            if chunk is None:
                raise InvalidRequest("The multipart body is incomplete.")
            self._parse(chunk)
        return bool(self._events.found)

    def _parse(self, chunk: bytes) -> None:
        self._left -= len(chunk)
        if self._left < 0:
            raise BodyTooLarge(f"The body is larger than {self._largest} bytes.")
        try:
            self._parser.write(chunk)
        except (FormParserError, UnicodeDecodeError) as exc:
            raise InvalidRequest("The body is not a multipart body with this boundary.") from exc


class DeclaredPart:
    """The parser's output for the last chunk. It has no reference to the parser: that would form a reference cycle."""

    def __init__(self) -> None:
        # The headers of a part, a piece of its content, or None for its end.
        self.found: deque[FormPart | bytes | None] = deque()
        self.is_over = False
        self._headers: dict[bytes, bytes] = {}
        self._header = (bytearray(), bytearray())

    def callbacks(self) -> MultipartCallbacks:
        return {
            "on_part_begin": self._headers.clear,
            "on_header_field": lambda data, start, end: self._header[0].extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._header[1].extend(data[start:end]),
            "on_header_end": self._note_header,
            "on_headers_finished": self._note_part,
            "on_part_data": lambda data, start, end: self.found.append(data[start:end]),
            "on_part_end": lambda: self.found.append(None),
            "on_end": self._finish,
        }

    def _note_header(self) -> None:
        name, value = self._header
        self._headers[bytes(name).lower()] = bytes(value)
        self._header = (bytearray(), bytearray())

    def _note_part(self) -> None:
        disposition = self._headers.get(b"content-disposition", b"")
        _, options = parse_options_header(disposition)
        media, _ = parse_options_header(self._headers.get(b"content-type"))
        filename = _extended(disposition) or _text(options.get(b"filename"))
        self.found.append(FormPart(_text(options.get(b"name")), filename, _text(media)))

    def _finish(self) -> None:
        self.is_over = True


def _text(value: bytes | None) -> str:
    """Decode UTF-8, as browsers send it, else Latin-1, which never fails: a file is not refused for its name."""
    text = value or b""
    try:
        return text.decode()[:LONGEST_NAME]
    except UnicodeDecodeError:
        return text.decode("latin-1")[:LONGEST_NAME]


def _extended(disposition: bytes) -> str:
    """Return the parameter `filename*`, which some clients send besides or instead of `filename`; "" if unreadable."""
    for name, value in PARAMETER.findall(disposition):
        if name.lower() == b"filename*" and (found := EXTENDED.fullmatch(value.strip(b' \t"'))):
            charset = found[1].decode().lower()
            if CHARSETS.fullmatch(charset):
                return _decoded(unquote_to_bytes(found[2]), charset)[:LONGEST_NAME]
    return ""


def _decoded(text: bytes, charset: str) -> str:
    try:
        return text.decode(charset, errors="replace")
    except LookupError:  # ISO-8859-12 was never published
        return ""
