"""Projection: the plain-data parts of a selection set, compiled once per document to generated Python.

`leaves` completes single values, `prompt` calls resolvers that need not wait, `kept` remembers what was projected,
`compiler` writes and builds the functions, `plans` decides when that pays and keeps them, `context` is the execution
context that uses them. `partial` is the one below it, which tells what upstream answers lost; a schema built with it
alone projects nothing, which is the switch.
"""

from __future__ import annotations

from gateway.execution.compilation_cache import PlanCache
from gateway.execution.context import ProjectingExecutionContext
from gateway.execution.partial import PartialExecutionContext
from gateway.execution.projection_cache import Projections

__all__ = ["PartialExecutionContext", "PlanCache", "ProjectingExecutionContext", "Projections"]
