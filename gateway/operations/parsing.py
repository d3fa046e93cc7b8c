"""From the text of a document to its syntax tree."""

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
    """Raises a GraphQLError: for TooComplex, or for what is no GraphQL."""
    check_text(text)
    source = Lined(text)
    lexer = Lexer(source)
    begin = lexer.token
    try:
        return Parser(source, lexer=lexer).parse_document()
    finally:
        _link_forwards_only(begin)


def _link_forwards_only(begin: Token) -> None:
    """The lexer links each token with the next and the one before: a cycle, of which a dropped document would wait for
    the garbage collector."""
    token: Token | None = begin
    while token is not None:
        token.prev = None
        token = token.next


class Lined(Source):
    """A text that knows where its lines begin.

    Each error says where it stands, and graphql-core reads the text from its begin for each of them.
    """

    @cached_property
    def _begins(self) -> array[int]:
        """Of all lines but the first."""
        return array("I", (newline.end() for newline in NEWLINE.finditer(self.body)))

    def get_location(self, position: int) -> SourceLocation:
        line = bisect_right(self._begins, position)
        return SourceLocation(line + 1, position + 1 - (self._begins[line - 1] if line else 0))
