"""Never ends; the job's text says how. Appends to `alive` while it lives; names its pid in `pid`."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from model_refresh.isolation import child_main


def run(job: Path) -> None:
    match job.read_text():
        case "deaf":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        case "spawns":
            spawned = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(100)"])
            (job.parent / "spawned").write_text(str(spawned.pid))
        case "leaves":
            spawned = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(100)"])
            (job.parent / "spawned").write_text(str(spawned.pid))
            return
        case "loud":
            while True:
                sys.stderr.write("still here\n")
    (job.parent / "pid").write_text(str(os.getpid()))
    while True:
        time.sleep(0.01)


if __name__ == "__main__":
    child_main(run)
