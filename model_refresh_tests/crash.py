"""Kill a process at its n-th call into the operating system: every instant at which it can die."""

import os
import signal
from collections.abc import Callable, Iterator

CALLS = ("open", "write", "fsync", "link", "rename", "mkdir", "unlink", "rmdir", "close")


def crash_points(do: Callable[[], None], prepare: Callable[[], None]) -> Iterator[int]:
    """Run `do` in a forked process that is killed at call 1, 2, 3... until it gets through.

    `prepare` restores the world before each run. Yields after each death, and once at the end.
    """
    point = 0
    while True:
        point += 1
        prepare()
        died = _killed_at(point, do)
        yield point
        if not died:
            return


def _killed_at(point: int, do: Callable[[], None]) -> bool:
    child = os.fork()
    if child == 0:
        try:
            _arm(point)
            do()
        except BaseException:  # noqa: BLE001 - the exit code tells the parent
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return True
    assert os.WEXITSTATUS(status) == 0, "the step failed by itself"
    return False


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
