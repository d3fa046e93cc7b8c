"""The parser of documents, without the reference cycles and the repeated line counts of graphql-core."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from functools import cached_property

from graphql import DocumentNode, Lexer, Source, SourceLocation, Token
from graphql.language.parser import Parser

from gateway.operations.limits import check_text

NEWLINE = re.compile(r"\r\n|[\n\r]")


def parsed(text: str) -> DocumentNode:
    """Return the syntax tree. Raise a GraphQLError for TooComplex or for a syntax error."""
    check_text(text)
    source = Lined(text)
    lexer = Lexer(source)
    begin = lexer.token
    try:
        return Parser(source, lexer=lexer).parse_document()
    finally:
        _link_forwards_only(begin)


def _link_forwards_only(begin: Token) -> None:
    """Unlink each token from its predecessor.

    The lexer links tokens both ways, a cycle that would leave a dropped document to the garbage collector.
    """
    token: Token | None = begin
    while token is not None:
        token.prev = None
        token = token.next


class Lined(Source):
    """A source that caches the positions of its lines.

    Each error computes its location, for which graphql-core scans the text from its start.
    """

    @cached_property
    def _begins(self) -> array[int]:
        """Start positions of all lines but the first."""
        return array("I", (newline.end() for newline in NEWLINE.finditer(self.body)))

    def get_location(self, position: int) -> SourceLocation:
        line = bisect_right(self._begins, position)
        return SourceLocation(line + 1, position + 1 - (self._begins[line - 1] if line else 0))
