"""The wall clock of the month: moved for every process that is started with its environment."""

import datetime as dt
import os
import shutil
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

_SOURCE = Path(__file__).with_name("clock.c")
_NANOSECONDS = 1_000_000_000


@dataclass(frozen=True)
class MovedClock:
    """A wall clock that goes as fast as any other, from where it was set last."""

    library: Path
    offset: Path

    @classmethod
    def at(cls, folder: Path) -> "MovedClock":
        """The clock of a folder, whether it is there or not."""
        return cls(folder / "clock.so", folder / "clock.offset")

    @classmethod
    def build(cls, folder: Path) -> "MovedClock":
        """Compile the library into a folder; raises FileNotFoundError where there is no cc."""
        clock = cls.at(folder)
        compiler = shutil.which("cc")
        if compiler is None:
            raise FileNotFoundError("a C compiler is needed. On Debian: apt-get install gcc")
        subprocess.run(
            [compiler, "-O2", "-shared", "-fPIC", "-o", str(clock.library), str(_SOURCE), "-ldl"],
            check=True,
        )
        clock.offset.write_bytes(struct.pack("q", 0))
        return clock

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs in order to see this clock."""
        return {"LD_PRELOAD": str(self.library), "MOVED_CLOCK": str(self.offset)}

    def set(self, now: dt.datetime) -> None:
        """Let it be `now` for every process, those that run already too."""
        self._ahead(now - dt.datetime.now(dt.UTC))

    def now(self) -> dt.datetime:
        """What it says."""
        (ahead,) = struct.unpack("q", self.offset.read_bytes())
        return dt.datetime.now(dt.UTC) + dt.timedelta(seconds=ahead / _NANOSECONDS)

    def _ahead(self, by: dt.timedelta) -> None:
        nanoseconds = by // dt.timedelta(microseconds=1) * 1000
        file = os.open(self.offset, os.O_WRONLY)
        try:
            os.pwrite(file, struct.pack("q", nanoseconds), 0)
        finally:
            os.close(file)
