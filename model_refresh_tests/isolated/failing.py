"""Fails in the way that the job's text names."""

import os
import signal
import sys
from pathlib import Path

from model_refresh.errors import FitError, StoreWriteError
from model_refresh.isolation import child_main


def run(job: Path) -> None:
    match job.read_text():
        case "refuses":
            raise FitError("all 7 labels are 1:\n  nothing can be told apart")
        case "breaks":
            raise ZeroDivisionError("seven by nothing")
        case "silent":
            sys.exit(3)
        case "talks":
            for _ in range(100_000):
                sys.stderr.write("much ado about nothing\n")
            raise FitError("about nothing")
        case "full disk":
            raise StoreWriteError("could not write the model:\n  No space left on device")
        case name:
            os.kill(os.getpid(), signal.Signals[name])


if __name__ == "__main__":
    child_main(run)
