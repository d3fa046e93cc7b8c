"""The lanes of the suite, and the lane of each test.

A test's lane follows from what it uses. The code of the test and of its fixtures is searched, as far as it lies in
`tests`, for the modules of `OWNERS`: a test that reaches `subprocess` starts a process, one that reaches
`tests.node.projects` starts Node. `tests.lanes_plugin` applies it.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

UNIT = "unit"
REPOSITORY = "repository"
LONG = "long"
START_NOTHING = (UNIT, REPOSITORY)


@dataclass(frozen=True, slots=True)
class Lane:
    """`limit` is in seconds, for one test with its fixtures; three times that where coverage traces.

    Scaled tests have three times that in the profile `ci`.
    """

    name: str
    limit: int
    use: str


# A test belongs to the last of the lanes that it reaches.
LANES = (
    Lane(UNIT, 10, "starts no process, browser, Node or database"),
    Lane(REPOSITORY, 10, "holds a rule about the repository itself"),
    Lane("durable", 60, "runs the engine of flows on a database file"),
    Lane("process", 60, "starts the gateway, or another program, as a process"),
    Lane("node", 60, "runs JavaScript clients, routers or build tools"),
    Lane("postgres", 60, "runs PostgreSQL"),
    Lane("redis", 60, "runs Redis"),
    Lane("browser", 60, "opens a page in Chromium"),
    Lane("aiograpi", 60, "asks aiograpi-rest itself"),
    Lane("chaos", 60, "kills gateways while they publish"),
    Lane(LONG, 300, "a scaled test with its large numbers, in the profile `long`"),
)
BY_NAME = {lane.name: lane for lane in LANES}
RANK = {lane.name: rank for rank, lane in enumerate(LANES)}
OWNERS = {
    "tests.meta": REPOSITORY,
    "gateway.durable.engine": "durable",
    "subprocess": "process",
    "asyncio.subprocess": "process",
    "_pytest.pytester": "process",
    "concurrent.futures.process": "process",
    "multiprocessing": "process",
    "hatch_build": "node",
    "tests.node.projects": "node",
    "tests.durable.postgres": "postgres",
    "tests.shared_cache.redis_server": "redis",
    "playwright": "browser",
    "tests.aiograpi": "aiograpi",
    "tests.chaos": "chaos",
}


def lane_of(*used: object) -> str:
    """The lane of a test that uses these functions, classes and modules."""
    seen: set[int] = set()
    lanes = list(_reached(list(used), seen))
    if not lanes:
        _without_lane.update(seen)
    return max(lanes, key=RANK.__getitem__, default=UNIT)


def _reached(left: list[object], seen: set[int]) -> Iterator[str]:
    while left:
        found = left.pop()
        # Taken once: an audit hook hears of each time.
        identity = id(found)
        if identity not in seen and identity not in _without_lane:
            seen.add(identity)
            use = _uses.get(identity) or _use_of(found)
            if use.lane:
                yield use.lane
            left += use.named


@dataclass(frozen=True, slots=True)
class Use:
    """Of one function, class or module: the lane that it alone asks for, and what else it names."""

    of: object
    lane: str | None
    named: tuple[object, ...]


# By identity; each holds what it is of, so no identity is given twice.
_uses: dict[int, Use] = {}
# The identities of what leads to no lane, however far it is followed: most tests share most of it.
_without_lane: set[int] = set()


def _use_of(found: object) -> Use:
    """Seen for the first time."""
    plain = _plain(found)
    module = _module(plain)
    parents = {module, *(module[:at] for at, letter in enumerate(module) if letter == ".")}
    lane = max((OWNERS[name] for name in parents & OWNERS.keys()), key=RANK.__getitem__, default=None)
    named = _named_in(plain) if module.split(".")[0] in ("tests", "bench") else []
    use = _uses[id(found)] = Use(found, lane, tuple(named))
    return use


def _plain(found: Any) -> Any:
    """Without the wrappers of decorators."""
    if hasattr(found, "_get_wrapped_function"):
        found = found._get_wrapped_function()
    if isinstance(found, staticmethod | classmethod):
        found = found.__func__
    if isinstance(found, property):
        found = found.fget
    if hasattr(found, "hypothesis"):
        found = found.hypothesis.inner_test
    found = getattr(found, "__func__", found)
    return inspect.unwrap(found) if isinstance(found, types.FunctionType) else found


def _module(found: Any) -> str:
    if isinstance(found, types.ModuleType):
        return found.__name__
    name = getattr(found, "__module__", None)
    return name if isinstance(name, str) else ""


def _named_in(found: Any) -> list[object]:
    """The globals that a function names, and the members of a class."""
    if isinstance(found, type):
        return [member for base in found.__mro__[:-1] for member in vars(base).values() if _has_code(member)]
    if isinstance(found, types.FunctionType):
        names = _names(found.__code__)
        named = [found.__globals__[name] for name in names if name in found.__globals__]
        members = [vars(m)[name] for m in named if isinstance(m, types.ModuleType) for name in names & vars(m).keys()]
        return named + members
    return []


def _names(code: types.CodeType) -> set[str]:
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            names |= _names(constant)
    return names


def _has_code(member: object) -> bool:
    return isinstance(member, (types.FunctionType, staticmethod, classmethod, property))
