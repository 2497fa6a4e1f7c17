"""Kill a process at its n-th call into the operating system: every instant at which it can die.

Each death happens in a child of the fork server, which has no threads: a process whose Polars has
started its pool can't be forked safely. What native code does lies between two calls: `killed_after`
meets that too, at an instant of the clock.
"""

import itertools
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

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


def killed_after(seconds: float, do: Callable[[], object]) -> float | None:
    """Run `do` in a process that is killed so many seconds after it began.

    None where it was killed; where it ended by itself before, the seconds that it took.
    """
    ours, theirs = _SERVER.Pipe(duplex=False)
    child = _SERVER.Process(target=_announced, args=(theirs, do))
    child.start()
    ours.recv_bytes()
    begun = time.monotonic()
    child.join(seconds)
    took = time.monotonic() - begun
    child.kill()
    return None if _died(child) else took


def _announced(begun: Connection, do: Callable[[], object]) -> None:
    begun.send_bytes(b"begun")
    do()
    os._exit(0)


def _killed_at(point: int, do: Callable[[], object]) -> bool:
    child = _SERVER.Process(target=_armed, args=(point, do))
    child.start()
    return _died(child)


def _died(child: BaseProcess) -> bool:
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
