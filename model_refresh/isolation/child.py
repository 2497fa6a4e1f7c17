"""The parent's side: a child process, the job that it does, and what that used."""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from model_refresh.messages import Mailbox, open_mailbox
from model_refresh.processes import size_of
from model_refresh.records import Cost

_GRACE_SECONDS = 2.0
_POLL_SECONDS = 0.05
_END_SECONDS = 0.005
_TAIL_BYTES = 8192
_PIPE_BYTES = 1 << 20

_PATIENT = {"OMP_WAIT_POLICY": "passive"}
"""Threads that wait without spinning: on a busy machine LightGBM needs a fourth of the time."""


@dataclass(frozen=True)
class Kind:
    """What a child is started with: two of a kind can do each other's jobs."""

    module: str
    memory_mib: int
    environment: frozenset[tuple[str, str]]

    @classmethod
    def here(cls, module: str, memory_mib: int) -> "Kind":
        """A child that has this process's environment, and imports what this one can import."""
        path = os.pathsep.join(filter(None, sys.path))
        environment = _PATIENT | os.environ | {"PYTHONPATH": path}
        return cls(module, memory_mib, frozenset(environment.items()))


class Child:
    """A child process, the leader of a session of its own.

    `tail` is what it wrote to stderr last, `is_used` whether it had another job before its last.
    `status` is known when it has ended.
    """

    def __init__(self, kind: Kind) -> None:
        """Start it. It ends with this thread, with this process, or when nobody refers to it."""
        self.kind = kind
        self.tail, self.status, self.is_used = b"", 0, False
        self._cost: Cost | None = None
        self._begun, self._owner = time.monotonic(), os.getpid()
        self._answer, self._peak_mib, self._cpu_before = b"", 0.0, 0.0
        with contextlib.ExitStack() as opened:
            self._mailbox = opened.enter_context(open_mailbox())
            self._orders, theirs = socket.socketpair()
            opened.enter_context(self._orders)
            with theirs:
                self._process = _start(kind, self._mailbox, theirs)
            self._collect = weakref.finalize(
                self, _collect, self._process, self._owner, opened.pop_all()
            )
        self._errors = self._process.stderr.fileno() if self._process.stderr else -1

    @property
    def has_answered(self) -> bool:
        """Whether it said that its job is done."""
        return self._answer.endswith(b"\n")

    @property
    def cost(self) -> Cost:
        """What its last job used."""
        return self._cost or Cost(seconds=0.0)

    def work(self, job: Path, seconds: float, hear: Callable[[str], None]) -> bool:
        """Have it do a job, for so many seconds at most; whether it ended in time.

        `hear` is called with what it says. Past its time it is asked to stop, given a moment, and
        killed.
        """
        if self.has_answered:
            self._begun, self._answer, self.tail = time.monotonic(), b"", b""
            self._peak_mib, self._cost, self.is_used = 0.0, None, True
        with contextlib.suppress(ConnectionError):  # it has died, which shows
            self._orders.sendall(json.dumps(os.fspath(job.absolute())).encode() + b"\n")
        in_time = self._watch(seconds, hear)
        if not in_time:
            self._signal(signal.SIGTERM)
            self._watch(_GRACE_SECONDS, hear)
            self.end()
        elif self.has_answered:
            answer = json.loads(self._answer)
            self._peak_mib = answer["peak_mib"]
            self._count(answer["cpu_seconds"])
        return in_time

    def is_ready(self) -> bool:
        """Whether it waits for another job, and for one of this process, not of a fork's parent."""
        if self._owner != os.getpid() or not self._collect.alive or not self.has_answered:
            return False
        return bool(json.loads(self._answer)["again"]) and not self._has_ended()

    def end(self) -> None:
        """Kill what is left of its group, and collect its status and cost.

        The child is collected last: until then no other process can have its number.
        """
        if self._owner == os.getpid() and self._collect.alive:
            self._signal(signal.SIGKILL)
            os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT)
            self._listen(0)
        used = self._collect()
        if used is not None and self._cost is None:
            self.status = self._process.returncode
            self._count(used - self._cpu_before)

    def _watch(self, seconds: float, hear: Callable[[str], None]) -> bool:
        """Wait for its answer or its end, for so many seconds at most; whether that came."""
        end = time.monotonic() + seconds
        while not self.has_answered and not self._has_ended():
            left = end - time.monotonic()
            if left <= 0:
                return False
            self._listen(min(left, _POLL_SECONDS))
            self._mailbox.empty(hear)
            # Not wait4's ru_maxrss, which starts from the peak of the process that forked.
            self._peak_mib = max(self._peak_mib, size_of(self._process.pid, "VmHWM"))
        self._mailbox.empty(hear)
        return True

    def _count(self, cpu_seconds: float) -> None:
        self._cpu_before += cpu_seconds
        self._cost = Cost(
            seconds=time.monotonic() - self._begun,
            cpu_seconds=cpu_seconds,
            peak_mib=self._peak_mib,
        )

    def _has_ended(self) -> bool:
        leave = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, self._process.pid, leave) is not None

    def _listen(self, seconds: float) -> None:
        """Read what there is of stderr and answer; wait for more, or its end, at most so long."""
        orders = self._orders.fileno()
        ready, _, _ = select.select([self._errors, orders], [], [], seconds)
        errors = os.read(self._errors, _PIPE_BYTES) if self._errors in ready else b""
        with contextlib.suppress(ConnectionError):
            self._answer += self._orders.recv(_TAIL_BYTES) if orders in ready else b""
        self.tail = (self.tail + errors)[-_TAIL_BYTES:]
        if ready and not errors and not self.has_answered:  # it has closed one of them
            time.sleep(min(seconds, _END_SECONDS))

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)


def _start(kind: Kind, mailbox: Mailbox, orders: socket.socket) -> subprocess.Popen[bytes]:
    pipes = (mailbox.writing, orders.fileno())
    told = (kind.memory_mib, os.getpid(), *pipes)
    return subprocess.Popen(
        [sys.executable, "-P", "-m", kind.module, *map(str, told)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        pass_fds=pipes,
        start_new_session=True,
        env=dict(kind.environment),
    )


def _collect(
    process: subprocess.Popen[bytes], owner: int, opened: contextlib.ExitStack
) -> float | None:
    """Kill a child's group, and collect it: its CPU seconds; None in a fork of its parent."""
    with opened, process.stderr or contextlib.nullcontext():
        if os.getpid() != owner:
            return None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        return usage.ru_utime + usage.ru_stime
