"""A parent that runs one endless child; its argument is the job."""

import sys
from pathlib import Path

from model_refresh.isolation import run_isolated

if __name__ == "__main__":
    run_isolated(
        "model_refresh_tests.isolated.endless",
        Path(sys.argv[1]),
        deadline_seconds=60,
        memory_mib=500,
    )
