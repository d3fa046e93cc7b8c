"""The release of what tracebacks keep."""

from __future__ import annotations


def forget_frames(error: BaseException) -> None:
    """Remove the tracebacks of `error` and its causes.

    Frames of a traceback often reference the error: such a cycle keeps all data of the operation until the next run of
    the garbage collector.
    """
    left: list[BaseException | None] = [error]
    seen = set[int]()
    while left:
        one = left.pop()
        if one is not None and id(one) not in seen:
            seen.add(id(one))
            left += [one.__cause__, one.__context__, getattr(one, "original_error", None)]
            one.__traceback__ = one.__context__ = None
