"""Which process did it, and whether that one still runs: by boot, number and start time.

A process number alone is given anew after a while, and after the machine has started again.
"""

import contextlib
import os
import signal
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Fingerprint:
    """One process of one boot of one machine; `text` is `boot:pid:start`."""

    boot: str
    pid: int
    start: str

    @classmethod
    def of(cls, pid: int) -> "Fingerprint | None":
        """A process that runs here now; None where there is none."""
        start = _start(pid)
        return None if start is None else cls(boot_id(), pid, start)

    @classmethod
    def own(cls) -> "Fingerprint":
        """This process."""
        return cls(boot_id(), os.getpid(), _start(os.getpid()) or "")

    @classmethod
    def parse(cls, text: str) -> "Fingerprint | None":
        """What `text` wrote; None for anything else."""
        boot, _, rest = text.partition(":")
        pid, _, start = rest.partition(":")
        return cls(boot, int(pid), start) if boot and pid.isascii() and pid.isdigit() else None

    @property
    def text(self) -> str:
        """The fingerprint as one word, for a tag or a file."""
        return f"{self.boot}:{self.pid}:{self.start}"

    @property
    def is_here(self) -> bool:
        """Whether it ran in this boot of this machine: elsewhere nothing can be said of it."""
        return self.boot == boot_id()

    @property
    def is_alive(self) -> bool:
        """Whether it runs now, here; a zombie does not."""
        return self.is_here and _start(self.pid) == self.start

    def kill_group(self, number: signal.Signals = signal.SIGKILL) -> bool:
        """Signal its process group, of which it must be the leader; False where that is gone.

        The group may outlive its leader. While it does, no other process is given the number, so
        one that has it shows that the group is gone, and is let be.
        """
        if not self.is_here or _stat(self.pid)[1] not in (None, self.start):
            return False
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            return False
        return True


def boot_id() -> str:
    """What tells this boot of this machine from all others."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def leaders_of(word: str, words: str) -> list[Fingerprint]:
    """The leaders of process groups here whose command has the argument `word`, then `words`."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        pid = int(path.name)
        with contextlib.suppress(OSError):
            arguments = (path / "cmdline").read_bytes()
            _, is_there, rest = arguments.partition(b"\0" + word.encode() + b"\0")
            if is_there and words.encode() in rest and os.getpgid(pid) == pid:
                found.append(Fingerprint.of(pid))
    return [each for each in found if each is not None]


def members_of(group: int) -> list[int]:
    """The processes here, zombies too, that belong to a process group."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if os.getpgid(int(path.name)) == group:
                found.append(int(path.name))
    return found


def size_of(pid: int, field: str) -> float:
    """A size from a process's status, such as VmHWM, in MiB; 0 where the system doesn't say."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    sizes = [line.split()[1] for line in status.splitlines() if line.startswith(f"{field}:")]
    return int(sizes[0]) / 1024 if sizes else 0.0


def _start(pid: int) -> str | None:
    """When the process began, in ticks since boot; None where it is gone or a zombie."""
    state, start = _stat(pid)
    return None if state in ("Z", "X") else start


def _stat(pid: int) -> tuple[str, str] | tuple[None, None]:
    """State and start of a process, zombies too; None where the number is nobody's."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None, None
    fields = text.rpartition(")")[2].split()
    return fields[0], fields[19]
