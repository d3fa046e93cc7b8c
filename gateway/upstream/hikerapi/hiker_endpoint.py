"""The declaration of an endpoint of HikerAPI."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urlencode

from gateway.domain.json_values import values_in
from gateway.domain.list_pages import BEGINNING, ListPage
from gateway.reads.endpoints import Call, Endpoint
from gateway.upstream.client.decoding import MOST_VALUES
from gateway.upstream.client.exchange import Reply
from gateway.upstream.client.lenient_decoding import UndecodableResponse
from gateway.upstream.hikerapi.decoding import ResponseShape
from gateway.upstream.hikerapi.flat_parts import Flatten, marked

MARK = re.compile(r"[1-9]~")  # of the cursors of a fallback; no cursor of the upstream begins like this


@dataclass(frozen=True, slots=True)
class Fallback:
    """Another endpoint with the same answer, in a form of its own."""

    path: str
    parameter: str
    flatten: Flatten
    cursor_parameter: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class HikerEndpoint(Endpoint):
    """An endpoint with its path and the query parameter of its key, which `spelled` converts.

    A key of several parts, which are separated by spaces, has a parameter for each.

    `is_empty` returns whether a 404 response means an empty list. `cursor_parameter` is the query parameter of a page's
    cursor. `flatten` makes the body that is decoded and cached, from the key and the upstream's body; None if that is
    the upstream's own. It raises UndecodableResponse. `fallbacks` answer the same, and are used one after the other
    where the upstream has retired the endpoint; each has a `mark`, with which its cursors begin.
    """

    path: str
    parameter: str
    decoder: ResponseShape[Any]
    spelled: Callable[[str], str] | None = None
    is_empty: Callable[[Reply], bool] | None = None
    cursor_parameter: str = ""
    mark: str = ""
    fallbacks: tuple[HikerEndpoint, ...] = ()
    flatten: Flatten | None = None

    @property
    def is_paged(self) -> bool:
        return bool(self.cursor_parameter)

    def target(self, call: Call) -> str:
        """Return the path and query of `call`."""
        key = call.key if self.spelled is None else self.spelled(call.key)
        names = self.parameter.split(" ")
        query = [(name, part) for name, part in zip(names, key.split(" ", len(names) - 1), strict=True)]
        if call.cursor and call.cursor != BEGINNING:
            query.append((self.cursor_parameter, call.cursor.removeprefix(self.mark)))
        if call.forced:
            query.append(("force", "on"))
        return f"{self.path}?{urlencode(query, quote_via=quote, safe='')}"

    def with_fallbacks(self, *fallbacks: Fallback) -> HikerEndpoint:
        """Return the same row with these endpoints in its place where the upstream has retired it."""
        rows = (self._in_place(f"{number}~", each) for number, each in enumerate(fallbacks, 1))
        return replace(self, fallbacks=tuple(rows))

    def _in_place(self, mark: str, fallback: Fallback) -> HikerEndpoint:
        return replace(
            self,
            mark=mark,
            path=fallback.path,
            parameter=fallback.parameter,
            cursor_parameter=fallback.cursor_parameter,
            flatten=marked(mark, fallback.flatten),
        )

    def issued(self, cursor: str) -> bool:
        """Return whether `cursor` is one of this endpoint, or none."""
        mark = MARK.match(cursor)
        return cursor in ("", BEGINNING) or (mark[0] if mark else "") == self.mark

    @property
    def empty_list(self) -> bytes:
        """The body of an empty list, as it is decoded and cached."""
        return b"[]" if self.flatten is None else ListPage.EMPTY

    def flat(self, call: Call, body: bytes) -> bytes:
        """Return the body that is decoded and cached. Raises UndecodableResponse."""
        if self.flatten is None:
            return body
        if values_in(body, MOST_VALUES) > MOST_VALUES:
            raise UndecodableResponse
        return self.flatten(call.key, body)
