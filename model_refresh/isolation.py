"""Work in a child process: with a deadline and a memory cap, and alone in its process group.

A fit that hangs, leaks or crashes takes nothing with it, and nothing of it keeps running or
writing: not past its deadline, not after its parent's death. While it works it may tell its parent
how it goes, in lines of text: some of them may be lost, none of them delays or ends it.
"""

import contextlib
import ctypes
import os
import resource
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from model_refresh.errors import FitError, ModelRefreshError, StoreWriteError
from model_refresh.messages import Mailbox, open_mailbox, speak_through
from model_refresh.records import Cost

_MIB = 1024 * 1024
_GRACE_SECONDS = 2.0
_POLL_SECONDS = 0.05
_END_SECONDS = 0.005
_TAIL_BYTES = 8192
_NEARLY_ALL = 0.8
_PIPE_BYTES = 1 << 20
_OUT_OF_MEMORY = 77
_TRANSIENT = 75
_SIGNS_OF_MEMORY = (
    "bad_alloc",
    "memory allocation of",
    "MemoryError",
    "Cannot allocate memory",
    "failed to map segment",
)
_PR_SET_PDEATHSIG = 1
_STACK_MIB = 8
_THREAD_POOLS = 4
"""Polars, OpenBLAS, OpenMP and one to spare, each with a thread a core."""

_PATIENT = {"OMP_WAIT_POLICY": "passive"}
"""Threads that wait without spinning: on a busy machine LightGBM needs a fourth of the time."""


def run_isolated(
    module: str,
    job: Path,
    *,
    deadline_seconds: float,
    memory_mib: int,
    on_message: Callable[[str], None] | None = None,
) -> Cost:
    """Run `python -m module job` to its end, and say what it used.

    The module's main must be `child_main`. `memory_mib` caps the data that the child may map
    (RLIMIT_DATA). Whatever happens, its whole process group is gone on return.

    `on_message` hears what the child says by `tell_parent`, in this thread, a twentieth of a second
    late at most. The deadline waits for it, so it must be quick; what it raises ends the child, and
    is raised here.

    Raises FitError, in one sentence, where the child fails, dies, or meets a limit, and
    StoreWriteError where the disk refused what it wrote: that says nothing of the fit.
    """
    with open_mailbox(on_message or _unheard) as mailbox:
        child = _Child(module, job, memory_mib=memory_mib, mailbox=mailbox)
        try:
            in_time = child.watch(deadline_seconds)
            if not in_time:
                child.stop()
        finally:
            child.reap()
    if not in_time:
        raise FitError(_late(child, deadline_seconds, memory_mib))
    if child.status != 0:
        kind = StoreWriteError if child.status == _TRANSIENT else FitError
        error = kind(_reason(child, memory_mib))
        error.add_note(child.tail.decode(errors="replace"))
        raise error
    return child.cost


def _unheard(message: str) -> None:
    """Let a message pass."""


def child_main(run: Callable[[Path], None]) -> None:
    """The child's side: apply the limits in argv, run the job, leave an error's sentence last."""
    job, memory_mib, parent, pipe = sys.argv[1:5]
    _die_with(int(parent))
    _cap_memory(int(memory_mib))
    speak_through(int(pipe))
    try:
        run(Path(job))
    except ModelRefreshError as error:
        sys.stderr.write(" ".join(str(error).split()) + "\n")
        sys.exit(_TRANSIENT if error.transient else 1)
    except MemoryError:
        sys.stderr.write("MemoryError\n")
        sys.exit(_OUT_OF_MEMORY)


def _die_with(parent: int) -> None:
    """Have the kernel kill this process when its parent dies; at once if it is dead already."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def _cap_memory(mib: int) -> None:
    """Cap data, not address space: libraries reserve address space that they never touch.

    The stacks of their threads count as data though hardly used, so they come on top.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    stacks = (os.cpu_count() or 1) * _THREAD_POOLS * _STACK_MIB
    cap = (mib + stacks) * _MIB
    if hard != resource.RLIM_INFINITY:
        cap = min(cap, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (cap, hard))


class _Child:
    """A child process, what it wrote to stderr last, and what it used."""

    def __init__(self, module: str, job: Path, *, memory_mib: int, mailbox: Mailbox) -> None:
        """Start it as the leader of a new session; it imports what this process can import."""
        self.tail = b""
        self.status = 0
        self.cost = Cost(seconds=0.0)
        self._started = time.monotonic()
        self._peak_mib = 0.0
        self._mailbox = mailbox
        told = [memory_mib, os.getpid(), mailbox.writing]
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", module, str(job), *map(str, told)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            pass_fds=(mailbox.writing,),
            start_new_session=True,
            env=_PATIENT | os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        self._process = process
        self._errors = process.stderr.fileno() if process.stderr else -1

    def watch(self, seconds: float) -> bool:
        """Wait for its end, for so many seconds at most; whether it ended."""
        end = time.monotonic() + seconds
        while not self._has_ended():
            left = end - time.monotonic()
            if left <= 0:
                return False
            self._listen(min(left, _POLL_SECONDS))
            self._mailbox.empty()
            self._peak_mib = max(self._peak_mib, _peak_mib(self._process.pid))
        self._mailbox.empty()
        return True

    def stop(self) -> None:
        """Ask the group to end, and give it a moment."""
        self._signal(signal.SIGTERM)
        self.watch(_GRACE_SECONDS)

    def reap(self) -> None:
        """Kill what is left of the group, and collect the child's status and cost.

        The child is collected last: until then no other process can have its number.
        """
        self._signal(signal.SIGKILL)
        _, status, usage = os.wait4(self._process.pid, 0)
        self.status = self._process.returncode = os.waitstatus_to_exitcode(status)
        self._listen(0)
        if self._process.stderr:
            self._process.stderr.close()
        self.cost = Cost(
            seconds=time.monotonic() - self._started,
            cpu_seconds=usage.ru_utime + usage.ru_stime,
            peak_mib=self._peak_mib,
        )

    def _has_ended(self) -> bool:
        leave = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, self._process.pid, leave) is not None

    def _listen(self, seconds: float) -> None:
        """Read what there is of stderr; wait for more, or for the child's end, at most so long."""
        ready, _, _ = select.select([self._errors], [], [], seconds)
        if not ready:
            return
        if chunk := os.read(self._errors, _PIPE_BYTES):
            self.tail = (self.tail + chunk)[-_TAIL_BYTES:]
        else:
            time.sleep(min(seconds, _END_SECONDS))

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)


def _peak_mib(pid: int) -> float:
    """The process's largest resident set so far; 0 where the system doesn't say.

    Not wait4's ru_maxrss, which starts from the peak of the process that forked.
    """
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    peaks = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(peaks[0]) / 1024 if peaks else 0.0


def _late(child: _Child, deadline_seconds: float, memory_mib: int) -> str:
    """A sentence on a missed deadline; some libraries wait for ever for memory they can't have."""
    sentence = f"stopped at its deadline of {deadline_seconds:g} s"
    if child.cost.peak_mib < _NEARLY_ALL * memory_mib:
        return sentence
    return f"{sentence}, at {child.cost.peak_mib:.0f} MiB with a memory cap of {memory_mib} MiB"


def _reason(child: _Child, memory_mib: int) -> str:
    """One sentence on why a child failed."""
    tail = child.tail.decode(errors="replace")
    if child.status == _OUT_OF_MEMORY or any(sign in tail for sign in _SIGNS_OF_MEMORY):
        return f"ran out of its memory cap of {memory_mib} MiB (peak {child.cost.peak_mib:.0f} MiB)"
    if child.status < 0:
        return _death(signal.Signals(-child.status))
    lines = tail.strip().splitlines()
    return lines[-1].strip() if lines else f"ended with status {child.status} and said nothing"


def _death(number: signal.Signals) -> str:
    if number is signal.SIGKILL:
        return "died of SIGKILL: another process killed it, or the system ran out of memory"
    return f"died of {number.name}"
