"""Children that wait for their next job, one a module and thread.

Not one for all threads: the kernel kills a child when the thread that started it ends.
"""

import contextlib
import threading
from collections.abc import Iterator

from model_refresh.isolation.child import Child, Kind


@contextlib.contextmanager
def borrowed(kind: Kind) -> Iterator[Child]:
    """A child of this kind for one job; afterwards it has ended with its group, or waits again."""
    child = _taken(kind)
    try:
        yield child
        if child.is_ready():
            _standby.children[kind.module] = child
    finally:
        if _standby.children.get(kind.module) is not child:
            child.end()


def _taken(kind: Kind) -> Child:
    """The child that waits, where it is of this kind; otherwise a new one, and that one ends."""
    waiting = _standby.children.pop(kind.module, None)
    if waiting is not None:
        if waiting.kind == kind and waiting.is_ready():
            return waiting
        waiting.end()
    return Child(kind)


class _Standby(threading.local):
    """What waits in each thread, by module."""

    def __init__(self) -> None:
        self.children: dict[str, Child] = {}


_standby = _Standby()
