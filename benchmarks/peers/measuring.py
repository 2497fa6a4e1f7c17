"""One program run in a session of its own: what it and all of its children used.

- CPU: `wait4` on the program, which counts the children that it has waited for too.
- Peak memory: the largest sum, over all of its processes, of the proportional set size (shared
  pages are divided among those that share them), looked at every quarter of a second; a shorter
  peak may be missed.
"""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_PERIOD_SECONDS = 0.25
_SAID = 2000


@dataclass(frozen=True)
class Used:
    """What a program used, and how it ended.

    Seconds of CPU and of wall clock, MiB at the peak; `code` is its exit code, negative for a
    signal; `said` the end of what it wrote.
    """

    cpu_seconds: float
    wall_seconds: float
    peak_mib: float
    code: int
    said: str


def measured(
    command: Sequence[str | Path], environment: Mapping[str, str], log: Path, *, deadline: float
) -> Used:
    """Run a program to its end, or for `deadline` seconds at most; its output goes to `log`."""
    started, peak = time.monotonic(), 0.0
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            while True:
                pid, status, usage = os.wait4(process.pid, os.WNOHANG)
                if pid:
                    break
                peak = max(peak, sum(_proportional_mib(each) for each in _session(process.pid)))
                if time.monotonic() - started > deadline:
                    os.kill(process.pid, signal.SIGKILL)
                time.sleep(_PERIOD_SECONDS)
        finally:
            _end_session(process.pid)
    process.returncode = os.waitstatus_to_exitcode(status)
    return Used(
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        wall_seconds=time.monotonic() - started,
        peak_mib=peak,
        code=process.returncode,
        said=log.read_text(encoding="utf-8", errors="replace")[-_SAID:],
    )


def size_mib(folder: Path) -> float:
    """What the files of a folder take, in MiB."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / (1 << 20)


def _session(leader: int) -> Iterator[int]:
    """The processes of a session, and all that descend from its leader, in whatever session.

    So children that have lost their parent are among them, and those that began a new session.
    """
    known = {
        int(entry.name): _family(entry) for entry in Path("/proc").iterdir() if entry.name.isdigit()
    }
    for process in known:
        line = [process]
        while line[-1] in known and line[-1] not in line[:-1]:
            line.append(known[line[-1]][0])
        if leader in line or known[process][1] == leader:
            yield process


def _family(entry: Path) -> tuple[int, int]:
    """A process's parent and session; zeros where it has ended meanwhile."""
    try:
        stat = (entry / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0, 0
    fields = stat.rpartition(")")[2].split()
    return int(fields[1]), int(fields[3])


def _proportional_mib(process: int) -> float:
    try:
        text = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="utf-8")
    except OSError:
        return 0.0  # it has ended meanwhile
    return next((int(x.split()[1]) for x in text.splitlines() if x.startswith("Pss:")), 0) / 1024


def _end_session(leader: int) -> None:
    for process in _session(leader):
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            continue
