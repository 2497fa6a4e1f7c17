"""Kill a process at its n-th call into the operating system: every instant at which it can die.

Each death happens in a child of the fork server, which has no threads: a process whose Polars has
started its pool can't be forked safely.
"""

import itertools
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator

CALLS = ("open", "write", "fsync", "link", "rename", "mkdir", "unlink", "rmdir", "close")

_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(["model_refresh.pipeline", "model_refresh_tests.crash"])


def crash_points(
    do: Callable[[], object], prepare: Callable[[], None], *, every: int = 1
) -> Iterator[int]:
    """Run `do` in a process that is killed at call 1, 2, 3... until it gets through.

    With `every`, at call 1, 1 + every, 1 + 2 every...
    `prepare` restores the world before each run. Yields after each death, and once at the end.
    `do` goes to another process: a module's function, or a `functools.partial` of one.
    """
    for point in itertools.count(1, every):
        prepare()
        died = _killed_at(point, do)
        yield point
        if not died:
            return


def _killed_at(point: int, do: Callable[[], object]) -> bool:
    child = _SERVER.Process(target=_armed, args=(point, do))
    child.start()
    child.join()
    if child.exitcode == -signal.SIGKILL:
        return True
    assert child.exitcode == 0, "the step failed by itself"
    return False


def _armed(point: int, do: Callable[[], object]) -> None:
    _arm(point)
    do()
    os._exit(0)  # what a process does on its way out is not what is tested


def _arm(point: int) -> None:
    left = [point]

    def counted(call: Callable[..., object]) -> Callable[..., object]:
        def wrapper(*args: object, **kwargs: object) -> object:
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*args, **kwargs)

        return wrapper

    for name in CALLS:
        setattr(os, name, counted(getattr(os, name)))
