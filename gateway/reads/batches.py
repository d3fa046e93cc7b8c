"""Calls about several objects at once, and the outcome of such a call in parts: one for each object."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import msgspec

from gateway.domain.list_pages import ListPage
from gateway.errors import Missing, NotFound, UpstreamInvalidAnswer, UpstreamRejected
from gateway.reads.endpoints import Call, Endpoint
from gateway.reads.port import ReadOutcome

SEPARATOR = ","


class _RawEntries(msgspec.Struct, gc=False):
    entries: list[msgspec.Raw]


_RAW_ENTRIES = msgspec.json.Decoder(_RawEntries)


def batch(endpoint: Endpoint, keys: Iterable[str]) -> Call:
    """Return the call about the objects of these keys."""
    return Call(endpoint, SEPARATOR.join(keys))


def single_calls(call: Call) -> tuple[Call, ...]:
    """Return the calls about one object each that `call` stands for: itself, unless it is about several."""
    if call.endpoint.batch_size == 1:
        return (call,)
    return tuple(Call(call.endpoint, key) for key in call.key.split(SEPARATOR))


def joined(call: Call, parts: Sequence[ReadOutcome]) -> ReadOutcome:
    """Return the outcome of `call` whose parts these are, one for each object: see `parts_of`."""
    if call.endpoint.batch_size == 1:
        return parts[0]
    found = [entry for part in parts if part.body for entry in _RAW_ENTRIES.decode(part.body).entries]
    body = msgspec.json.encode(_RawEntries(found))
    return replace(parts[0], call=call, value=call.read(body), body=body, problem=None)


def parts_of(outcome: ReadOutcome) -> tuple[ReadOutcome, ...]:
    """Return an outcome for each object of the call. An object that the answer leaves out does not exist.

    Each part is decoded by itself, so that it records the losses of its own entry.
    """
    call = outcome.call
    if call.endpoint.batch_size == 1:
        return (outcome,)
    calls = single_calls(call)
    if not isinstance(outcome.value, ListPage):
        problem = outcome.problem
        if isinstance(problem, Missing) and len(calls) > 1:  # which of them is missing is not said
            problem = UpstreamRejected(f"The upstream did not accept the request for {len(calls)} objects at once.")
        return tuple(replace(outcome, call=one, problem=problem) for one in calls)
    found: dict[str, tuple[ListPage, bytes]] = {}
    entries = _RAW_ENTRIES.decode(outcome.body).entries
    for entry in entries:
        body = msgspec.json.encode({"entries": [entry]})
        page = call.read(body)
        assert isinstance(page, ListPage), "a part is decoded as the whole is"
        for read in page.entries:
            found.setdefault(str(read.pk), (page, body))
    if entries and found.keys().isdisjoint(one.key for one in calls):
        problem = UpstreamInvalidAnswer("The upstream's answer is about none of the requested objects.")
        return tuple(replace(outcome, call=one, value=None, body=b"", problem=problem) for one in calls)
    return tuple(_part(outcome, one, found.get(one.key)) for one in calls)


def _part(outcome: ReadOutcome, call: Call, found: tuple[ListPage, bytes] | None) -> ReadOutcome:
    if found is not None:
        return replace(outcome, call=call, value=found[0], body=found[1])
    subject = call.subject[0].upper() + call.subject[1:]
    problem = NotFound(f"{subject} was not found.")
    problem.subject = call.subject
    return replace(outcome, call=call, value=None, body=b"", problem=problem)
