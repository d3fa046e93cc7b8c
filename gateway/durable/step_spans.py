"""The spans of the steps of a workflow, which belong to the trace of the request that began it.

The request's trace context is recorded with the workflow as a note, so that steps after a crash belong to it too.
Versions that know nothing of traces ignore the note.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from gateway.durable.port import Json, Record, Step
from gateway.durable.retries import Outcome
from gateway.spans import Attribute, Scope, SpanContext, Tracer, current_scope, within

# The key of the note.
NOTE = "trace"
INTERRUPTED = "INTERRUPTED"


def notes_of_origin() -> dict[str, Json]:
    """Return the notes that record the trace context of the current request; none if it is not traced."""
    scope = current_scope()
    return {} if scope is None else {NOTE: dict(scope.root.headers)}


class StepSpans:
    """The spans of one workflow's steps."""

    def __init__(self, tracer: Tracer, record: Record) -> None:
        self._tracer = tracer
        self._record = record
        self._origin = _origin(tracer, record.notes.get(NOTE))

    async def step(self, step: Step, make: Callable[[], Awaitable[Outcome]]) -> Outcome:
        """Return the outcome of `make`, which executes the step with all its attempts."""
        origin = self._origin
        span = self._tracer.start(
            f"step {step.name}",
            parent=origin,
            links=() if origin is None else (origin,),
            attributes={
                Attribute.FLOW_ID: self._record.id,
                Attribute.FLOW_NAME: self._record.name,
                Attribute.STEP_NAME: step.name,
            },
        )
        if step.medium is not None:
            span.set({Attribute.STEP_MEDIUM: step.medium})
        try:
            with within(Scope(span)):
                outcome = await make()
            span.set({Attribute.STEP_ATTEMPTS: outcome.record.attempts})
            if outcome.record.fault is not None:
                span.fail(outcome.record.fault.code)
            return outcome
        except BaseException:
            span.fail(INTERRUPTED)
            raise
        finally:
            span.end()


def _origin(tracer: Tracer, note: Json) -> SpanContext | None:
    if not isinstance(note, Mapping):
        return None
    texts = [(name, value) for name, value in note.items() if isinstance(value, str)]
    return tracer.context_in(
        [(name.encode("ascii", "replace"), value.encode("ascii", "replace")) for name, value in texts]
    )
