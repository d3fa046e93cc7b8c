"""The names of the graph: those of the code, in camel case."""

from __future__ import annotations

import functools

from strawberry.schema.name_converter import NameConverter
from strawberry.utils.str_converters import to_camel_case

# Bounded by the names in the schema.
_camel_case = functools.cache(to_camel_case)


class CachedNameConverter(NameConverter):
    """Converts each name once: Strawberry converts the names of a resolver's arguments at every call."""

    def apply_naming_config(self, name: str) -> str:
        return _camel_case(name)
