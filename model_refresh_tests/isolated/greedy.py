"""Takes more memory than it may have: the job's text says from whom."""

import time
from pathlib import Path

import numpy as np
import polars as pl

from model_refresh.isolation import child_main


def run(job: Path) -> None:
    kept: list[object] = []
    while True:
        match job.read_text():
            case "python":
                kept.append(bytearray(20_000_000))
            case "numpy":
                kept.append(np.ones(3_000_000))
            case "hang":
                if len(kept) == 15:
                    time.sleep(60)
                kept.append(bytearray(20_000_000))
            case _:
                kept.append(pl.int_range(3_000_000, eager=True).to_frame().with_row_index())


if __name__ == "__main__":
    child_main(run)
