"""One job in a child process, and why it failed where it did."""

import signal
from collections.abc import Callable
from pathlib import Path

from model_refresh.errors import FitError, StoreWriteError
from model_refresh.isolation.child import Child, Kind
from model_refresh.isolation.inside import OUT_OF_MEMORY, TRANSIENT
from model_refresh.isolation.standby import borrowed
from model_refresh.records import Cost

_NEARLY_ALL = 0.8
_SIGNS_OF_MEMORY = (
    "bad_alloc",
    "memory allocation of",
    "MemoryError",
    "Cannot allocate memory",
    "failed to map segment",
)


def run_isolated(
    module: str,
    job: Path,
    *,
    deadline_seconds: float,
    memory_mib: int,
    on_message: Callable[[str], None] | None = None,
) -> Cost:
    """Have a child process, `python -m module`, do a job, and say what that used.

    The module's main must be `child_main`. `memory_mib` caps the data that the child may map
    (RLIMIT_DATA). Whatever happens, its whole process group is gone on return, but for a child that
    is ready for another job (see `child_main`): it waits for this thread's next one, and does no
    more until then. Where that one runs out of memory or dies of a signal, a new child does it
    again, and only that counts.

    `on_message` hears what the child says by `tell_parent`, in this thread, a twentieth of a second
    late at most. The deadline waits for it, so it must be quick; what it raises ends the child, and
    is raised here.

    Raises FitError, in one sentence, where the child fails, dies, or meets a limit, and
    StoreWriteError where the disk refused what it wrote: that says nothing of the fit.
    """
    hear = on_message or _unheard
    with borrowed(Kind.here(module, memory_mib)) as child:
        in_time = child.work(job, deadline_seconds, hear)
    if child.is_used and _may_be_of_another_job(child, in_time=in_time):
        with borrowed(child.kind) as child:  # a new one: that one has ended
            in_time = child.work(job, deadline_seconds, hear)
    if not in_time:
        raise FitError(_late(child, deadline_seconds))
    if not child.has_answered:
        kind = StoreWriteError if child.status == TRANSIENT else FitError
        error = kind(_reason(child))
        error.add_note(child.tail.decode(errors="replace"))
        raise error
    return child.cost


def _unheard(message: str) -> None:
    """Let a message pass."""


def _may_be_of_another_job(child: Child, *, in_time: bool) -> bool:
    """Whether what a job died of may be what the jobs before it left: memory, or damage to it."""
    if not in_time:
        return _is_near_its_cap(child)
    return not child.has_answered and (child.status < 0 or _ran_out_of_memory(child))


def _is_near_its_cap(child: Child) -> bool:
    return child.cost.peak_mib >= _NEARLY_ALL * child.kind.memory_mib


def _ran_out_of_memory(child: Child) -> bool:
    tail = child.tail.decode(errors="replace")
    return child.status == OUT_OF_MEMORY or any(sign in tail for sign in _SIGNS_OF_MEMORY)


def _late(child: Child, deadline_seconds: float) -> str:
    """A sentence on a missed deadline; some libraries wait for ever for memory they can't have."""
    sentence, cap = f"stopped at its deadline of {deadline_seconds:g} s", child.kind.memory_mib
    if not _is_near_its_cap(child):
        return sentence
    return f"{sentence}, at {child.cost.peak_mib:.0f} MiB with a memory cap of {cap} MiB"


def _reason(child: Child) -> str:
    """One sentence on why a child failed."""
    tail, cap = child.tail.decode(errors="replace"), child.kind.memory_mib
    if _ran_out_of_memory(child):
        return f"ran out of its memory cap of {cap} MiB (peak {child.cost.peak_mib:.0f} MiB)"
    if child.status < 0:
        return _death(signal.Signals(-child.status))
    lines = tail.strip().splitlines()
    return lines[-1].strip() if lines else f"ended with status {child.status} and said nothing"


def _death(number: signal.Signals) -> str:
    if number is signal.SIGKILL:
        return "died of SIGKILL: another process killed it, or the system ran out of memory"
    return f"died of {number.name}"
