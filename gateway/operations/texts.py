"""From the text of a document to its syntax tree."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from functools import cached_property

from graphql import DocumentNode, Source, SourceLocation, parse

from gateway.operations.limits import check_text

NEWLINE = re.compile(r"\r\n|[\n\r]")


def parsed(text: str) -> DocumentNode:
    """Raises a GraphQLError: for TooComplex, or for what is no GraphQL."""
    check_text(text)
    return parse(Lined(text))


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
