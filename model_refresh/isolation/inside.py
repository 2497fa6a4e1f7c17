"""The child's side: its limits, the jobs that come, and the answer to each."""

import ctypes
import json
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from model_refresh.errors import ModelRefreshError
from model_refresh.messages import speak_through
from model_refresh.processes import members_of, size_of

OUT_OF_MEMORY = 77
TRANSIENT = 75
_MIB = 1024 * 1024
_PR_SET_PDEATHSIG = 1
_STACK_MIB = 8
_MAY_GROW = 1 / 8
"""The share of its memory cap that a process may hold after a job, and take another."""

_THREAD_POOLS = 4
"""Polars, OpenBLAS, OpenMP and one to spare, each with a thread a core."""


def child_main(run: Callable[[Path], None], *, again: bool = False) -> None:
    """Apply the limits in argv and run the job that comes; leave an error's sentence last.

    With `again` this process is ready for another job where one ended well, left no process behind
    and gave its memory back; so `run` must leave nothing that a later one could meet. The answer to
    a job is a line of JSON: `cpu_seconds`, `peak_mib`, and whether it is ready.
    """
    memory_mib, parent, voice, orders = map(int, sys.argv[1:5])
    _die_with(parent)
    _cap_memory(memory_mib)
    speak_through(voice)
    try:
        for job in _jobs(orders, again=again, memory_mib=memory_mib):
            run(job)
    except ModelRefreshError as error:
        sys.stderr.write(" ".join(str(error).split()) + "\n")
        sys.exit(TRANSIENT if error.transient else 1)
    except MemoryError:
        sys.stderr.write("MemoryError\n")
        sys.exit(OUT_OF_MEMORY)


def _jobs(orders: int, *, again: bool, memory_mib: int) -> Iterator[Path]:
    """The jobs that the parent orders, each answered when it is done, until nobody orders more."""
    own = os.getpid()
    with socket.socket(fileno=orders) as line, line.makefile("r") as jobs:
        line.set_inheritable(False)
        used, most = 0.0, _data_mib() + _stacks_mib() + _MAY_GROW * memory_mib
        for job in jobs:
            yield Path(json.loads(job))
            used, before, peak = _used(), used, size_of(own, "VmHWM")
            is_as_new = members_of(own) == [own] and _data_mib() <= most and _forget_peak()
            answer = {
                "cpu_seconds": used - before,
                "peak_mib": peak,
                "again": again and is_as_new,
            }
            line.sendall(json.dumps(answer).encode() + b"\n")


def _used() -> float:
    """CPU seconds of this process so far, and of those that it started and that have ended."""
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in spent)


def _data_mib() -> float:
    """What this process has mapped of data, as RLIMIT_DATA counts it."""
    return size_of(os.getpid(), "VmData")


def _forget_peak() -> bool:
    """Have the kernel measure the largest resident set anew; whether it does."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True


def _die_with(parent: int) -> None:
    """Have the kernel kill this process when its parent dies; at once if it is dead already."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def _stacks_mib() -> int:
    """What the stacks of the libraries' threads may count."""
    return (os.cpu_count() or 1) * _THREAD_POOLS * _STACK_MIB


def _cap_memory(mib: int) -> None:
    """Cap data, not address space: libraries reserve address space that they never touch.

    The stacks of their threads count as data though hardly used, so they come on top.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    cap = (mib + _stacks_mib()) * _MIB
    if hard != resource.RLIM_INFINITY:
        cap = min(cap, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (cap, hard))
