"""Projection: the plain-data parts of a selection set, compiled once per document to generated Python.

`leaf_values` completes single values, `sync_resolvers` calls resolvers that need not wait, `projection_cache` caches
projected lists, `compiler` generates and compiles the functions, `compilation_cache` decides when compiling pays and
caches the plans, `context` is the execution context that uses them. `partial` is its base class, which reports the lost
parts of upstream responses; a schema built with that class alone projects nothing, which switches projection off.
"""

from __future__ import annotations

from gateway.execution.compilation_cache import PlanCache
from gateway.execution.context import ProjectingExecutionContext
from gateway.execution.partial import PartialExecutionContext
from gateway.execution.projection_cache import Projections

__all__ = ["PartialExecutionContext", "PlanCache", "ProjectingExecutionContext", "Projections"]
