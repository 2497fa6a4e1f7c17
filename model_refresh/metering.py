"""What a step uses, by the meters of its process and of the children that it waits for."""

import contextlib
import re
import resource
import time
from dataclasses import dataclass
from pathlib import Path

from model_refresh.records import Cost

_CLEAR, _STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")
_PEAK = re.compile(r"^VmHWM:\s+([0-9]+) kB$", re.MULTILINE)


@dataclass(frozen=True)
class Meter:
    """Reads as they were when the step began; `cost` is what was used since.

    Threads of other work in the same process count too: a run does one step at a time.
    """

    seconds: float
    cpu_seconds: float

    @classmethod
    def start(cls) -> "Meter":
        """Begin to measure; the process's peak of memory is counted from here on."""
        with contextlib.suppress(OSError):  # then the peak is the process's since it began
            _CLEAR.write_text("5")  # the kernel's way to begin the peak anew
        return cls(time.monotonic(), _cpu_seconds())

    @property
    def cost(self) -> Cost:
        """What was used since the start."""
        return Cost(
            seconds=time.monotonic() - self.seconds,
            cpu_seconds=max(0.0, _cpu_seconds() - self.cpu_seconds),
            peak_mib=_peak_mib(),
        )


def _cpu_seconds() -> float:
    own, children = (resource.getrusage(who) for who in _WHO)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def _peak_mib() -> float:
    """The peak of this process since `start`; 0 where the system doesn't tell."""
    try:
        found = _PEAK.search(_STATUS.read_text())
    except OSError:
        return 0.0
    return int(found[1]) / 1024 if found is not None else 0.0


_WHO = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
