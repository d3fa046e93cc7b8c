"""The spans of a gateway in memory, in the place of a collector."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from gateway.clock import Clock
from gateway.tracing.export import SpanExport

OURS = "highlights_gateway."
DOCUMENT = Path(__file__).parents[2] / "docs/operations/tracing.md"
# What was exported and is not in the document, and the spans that have begun and not ended, by their ids: a fixture
# looks at both after each test.
undocumented: list[str] = []
unended: dict[int, str] = {}


class SpanRecorder:
    """`SpanRecorder().export(clock)` is what a gateway exports by; the spans that have ended are in `spans`."""

    def __init__(self) -> None:
        self._exporter = _Exporter()

    def export(self, clock: Clock) -> SpanExport:
        return SpanExport(clock, [_Ends, partial(SimpleSpanProcessor, self._exporter)])

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        return self._exporter.get_finished_spans()

    def taken(self) -> tuple[ReadableSpan, ...]:
        """The spans, which are forgotten then."""
        spans = self.spans
        self._exporter.clear()
        return spans

    def named(self, name: str) -> list[ReadableSpan]:
        """In the order of their beginnings."""
        return sorted((span for span in self.spans if span.name == name), key=lambda span: span.start_time or 0)

    def one(self, name: str) -> ReadableSpan:
        (span,) = self.named(name)
        return span


class _Ends(SpanProcessor):
    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        unended[id_of(span)] = span.name

    def on_end(self, span: ReadableSpan) -> None:
        unended.pop(id_of(span))


class _Exporter(InMemorySpanExporter):
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        for span in spans:
            known = documented().get(group_of(span), frozenset())
            undocumented.extend(f"{span.name}: {name}" for name in span.attributes or {} if name not in known)
        return super().export(spans)


def rows(section: str) -> list[list[str]]:
    """The cells of the table in a section of the document."""
    text = DOCUMENT.read_text().partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    lines = [line for line in text.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@cache
def documented() -> dict[str, frozenset[str]]:
    """The attributes in the document by the groups of spans that have them."""
    pairs = [
        (group, name)
        for names, groups, _ in rows("Attributes")
        for group in groups.split(", ")
        for name in listed(names)
    ]
    return {group: frozenset(name for of, name in pairs if of == group) for group, _ in pairs}


def listed(names: str) -> list[str]:
    return re.findall(r"`([^`]+)`", names)


def group_of(span: ReadableSpan) -> str:
    """Of the groups that the document knows. A name that it has not is a group that it has not."""
    match span.kind, span.name.split():
        case SpanKind.SERVER, [method, "/graphql"] if method in ("GET", "POST", "HEAD"):
            return "request"
        case SpanKind.SERVER, _ if span.name in listed(rows("Spans")[0][0]):
            return "operation"
        case SpanKind.INTERNAL, ["call", _]:
            return "call"
        case SpanKind.CLIENT, [_]:
            return "HTTP request"
        case SpanKind.INTERNAL, ["step", *_]:
            return "step"
        case _:
            return span.name


def tree(spans: Iterable[ReadableSpan]) -> list[str]:
    """One line for each span, below its parent and in the order of their beginnings. Whole: a root of its own trace."""
    spans = tuple(spans)
    known = {id_of(span) for span in spans}
    below: dict[int | None, list[ReadableSpan]] = {}
    for span in spans:
        parent = parent_of(span)
        below.setdefault(parent if parent in known else None, []).append(span)
    lines: list[str] = []

    def draw(parent: int | None, depth: int) -> None:
        # Of two that begin at once, the one that ends first.
        for span in sorted(below.get(parent, ()), key=lambda span: (span.start_time, span.end_time)):
            lines.append("  " * depth + span.name)
            draw(id_of(span), depth + 1)

    draw(None, 0)
    return lines


def id_of(span: ReadableSpan) -> int:
    assert span.context is not None
    return int(span.context.span_id)


def trace_of(span: ReadableSpan) -> str:
    assert span.context is not None
    return f"{span.context.trace_id:032x}"


def parent_of(span: ReadableSpan) -> int | None:
    return None if span.parent is None else span.parent.span_id


def links_of(span: ReadableSpan) -> list[int]:
    return [link.context.span_id for link in span.links]


def attributes(span: ReadableSpan) -> dict[str, Any]:
    """Our own without the prefix."""
    return {name.removeprefix(OURS): value for name, value in (span.attributes or {}).items()}


def error(span: ReadableSpan) -> Any:
    """The code of a span with the error status, None of one without."""
    failed = span.status.status_code is StatusCode.ERROR
    assert failed == ("error.type" in (span.attributes or {}))
    assert span.status.description is None, "a description could quote what failed"
    return attributes(span)["error.type"] if failed else None
