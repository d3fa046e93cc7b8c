"""A multipart body as it comes in, part by part, without ever holding more than a piece of it (RFC 7578)."""

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
# Those that names are met in: Python knows others, some of which take long.
CHARSETS = re.compile(
    r"utf-8|us-ascii|iso-8859-[0-9]{1,2}|windows-125[0-8]|koi8-[ru]|shift_jis|euc-(jp|kr)|gbk|gb18030|big5"
)


@dataclass(frozen=True, slots=True)
class Part:
    """The head of a part; its content comes from `MultipartReader.content`."""

    name: str
    filename: str
    content_type: str


class MultipartReader:
    """Reads the parts of a body in their order.

    `largest` bounds the whole of it, in bytes, and `patience` the wait for the next of them, in seconds.

    Every method raises InvalidRequest for what is no multipart body, and BodyTooLarge.
    """

    def __init__(
        self, chunks: AsyncIterator[bytes], boundary: bytes, *, largest: int, patience: float = PATIENCE
    ) -> None:
        self._chunks = chunks
        self._patience = patience
        self._left = self._largest = largest
        self._told = Told()
        try:
            self._parser = MultipartParser(boundary, self._told.callbacks())
        except FormParserError as exc:
            raise InvalidRequest("The boundary of the multipart body is too long.") from exc

    async def part(self) -> Part | None:
        """The head of the next part, past whatever is left of the one before; None after the last."""
        while await self._more():
            if isinstance(found := self._told.found.popleft(), Part):
                return found
        return None

    async def content(self) -> AsyncIterator[bytes]:
        """What is in the part whose head was read last."""
        while await self._more():
            found = self._told.found.popleft()
            if not isinstance(found, bytes):
                return
            yield found

    async def text(self, most: int, reading: Reading) -> bytes:
        """The whole content of a part of at most `most` bytes. Raises TooManyBodies, too."""
        content = bytearray()
        async for piece in self.content():
            content += piece
            reading.add(len(piece))
            if len(content) > most:
                raise BodyTooLarge(f"A part that is no file is larger than {most} bytes.")
        return bytes(content)

    async def _more(self) -> bool:
        """Whether anything is found, now or after reading on."""
        while not self._told.found and not self._told.is_over:
            try:
                async with asyncio.timeout(self._patience):
                    chunk = await anext(self._chunks, None)
            except TimeoutError as exc:
                raise InvalidRequest(f"Nothing of the body has come for {self._patience:.0f} seconds.") from exc
            if chunk is None:
                raise InvalidRequest("The multipart body broke off before its end.")
            self._parse(chunk)
        return bool(self._told.found)

    def _parse(self, chunk: bytes) -> None:
        self._left -= len(chunk)
        if self._left < 0:
            raise BodyTooLarge(f"The body is larger than {self._largest} bytes.")
        try:
            self._parser.write(chunk)
        except (FormParserError, UnicodeDecodeError) as exc:
            raise InvalidRequest("The body is no multipart body with this boundary.") from exc


class Told:
    """What the parser tells of the last chunk. It knows no parser, which would be a cycle for the garbage collector."""

    def __init__(self) -> None:
        # A part's head, some of its content, or None for its end.
        self.found: deque[Part | bytes | None] = deque()
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
        self.found.append(Part(_text(options.get(b"name")), filename, _text(media)))

    def _finish(self) -> None:
        self.is_over = True


def _text(value: bytes | None) -> str:
    """UTF-8, as browsers send it, else Latin-1, which any bytes are: a name is no reason to refuse its file."""
    text = value or b""
    try:
        return text.decode()[:LONGEST_NAME]
    except UnicodeDecodeError:
        return text.decode("latin-1")[:LONGEST_NAME]


def _extended(disposition: bytes) -> str:
    """`filename*`, which some clients send beside `filename` or in its place; "" where there is none to be read."""
    for name, value in PARAMETER.findall(disposition):
        if name.lower() == b"filename*" and (found := EXTENDED.fullmatch(value.strip(b' \t"'))):
            charset = found[1].decode().lower()
            if CHARSETS.fullmatch(charset):
                return _decoded(unquote_to_bytes(found[2]), charset)[:LONGEST_NAME]
    return ""


def _decoded(text: bytes, charset: str) -> str:
    try:
        return text.decode(charset, errors="replace")
    except LookupError:  # ISO-8859-12 was never made
        return ""
