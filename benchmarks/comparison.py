"""What the error of a gain in ROC AUC costs: DeLong's closed form against two bootstraps.

Prints seconds, processor seconds and peak memory at a million rows: of both assessments and the
interval (DeLong), of 2,000 replicates of our weighted bootstrap, and of as many calls of
scikit-learn's `roc_auc_score` on rows drawn again, of which only a few are run. Each in a process
of its own; the peak has the rows themselves in it.

    python benchmarks/comparison.py [--rows 1000000] [--replicates 2000] [--naive 4] [--share 0.1]
"""

import argparse
import datetime as dt
import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score

from model_refresh.metrics import Holdout, Predicted, metric
from model_refresh.metrics.bootstrap import bootstrap_gain
from model_refresh.metrics.intervals import gain_interval
from model_refresh.metrics.protocol import assess

KNOWN_AT = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
CONFIDENCE = 0.95
ACCEPTED_SECONDS = 10.0


@dataclass(frozen=True)
class Used:
    """What one way took, and the bounds that it found."""

    wall: float
    cpu: float
    peak_mib: float
    lower: float
    upper: float


def main() -> None:
    arguments = _arguments()
    if arguments.way:
        print(json.dumps(asdict(WAYS[arguments.way](arguments))))
        return
    print(
        f"{arguments.rows:,} rows, {arguments.share:.0%} positive, {arguments.replicates:,} times"
    )
    used = {name: _in_own_process(name) for name in WAYS}
    for name, each in used.items():
        print(
            f"  {name:10} {each.wall:8.2f} s, CPU {each.cpu:8.2f} s, peak {each.peak_mib:5.0f} "
            f"MiB, bounds {each.lower:.6f} to {each.upper:.6f}"
        )
    delong, ours, naive = used.values()
    print(
        f"naive / bootstrap {naive.wall / ours.wall:.0f} (CPU {naive.cpu / ours.cpu:.0f}), "
        f"bootstrap / DeLong {ours.wall / delong.wall:.1f}, naive / DeLong "
        f"{naive.wall / delong.wall:.0f}; accepted for the bootstrap at a million rows on 2 idle "
        f"processors: {ACCEPTED_SECONDS:.0f} s"
    )


def make_rows(rows: int, share: float) -> tuple[Holdout, Predicted, Predicted]:
    """Outcomes of a logistic signal, and two scores that see it with more or less noise."""
    rng = np.random.default_rng(0)
    signal = rng.normal(size=rows)
    chance = 1.0 / (1.0 + np.exp(-(signal + np.log(share / (1.0 - share)))))
    target = (rng.random(rows) < chance).astype(np.float64)
    new, old = (
        1.0 / (1.0 + np.exp(-(signal + noise * rng.normal(size=rows)))) for noise in (0.5, 0.55)
    )
    as_of = np.full(rows, np.datetime64("2026-02-01", "us"))
    holdout = Holdout(target, np.arange(rows), as_of)
    return holdout, Predicted(new, KNOWN_AT), Predicted(old, KNOWN_AT)


def by_delong(arguments: argparse.Namespace) -> Used:
    holdout, new, old = make_rows(arguments.rows, arguments.share)
    area = metric("roc_auc")
    clock = _Clock()
    sides = [assess(area, holdout.target, each.values) for each in (new, old)]
    gain = gain_interval(area, holdout, sides[0], sides[1], confidence=CONFIDENCE)
    return clock.used(gain.lower, gain.upper)


def by_bootstrap(arguments: argparse.Namespace) -> Used:
    holdout, new, old = make_rows(arguments.rows, arguments.share)
    clock = _Clock()
    gain = bootstrap_gain(
        metric("roc_auc"),
        holdout,
        new,
        old,
        replicates=arguments.replicates,
        confidence=CONFIDENCE,
        seed=1,
    )
    return clock.used(gain.lower, gain.upper)


def naively(arguments: argparse.Namespace) -> Used:
    """A few replicates, times as many as would be needed; no bounds come of so few."""
    holdout, new, old = make_rows(arguments.rows, arguments.share)
    rng = np.random.default_rng(1)
    clock = _Clock()
    for _ in range(arguments.naive):
        drawn = rng.integers(0, arguments.rows, arguments.rows)
        for each in (new, old):
            roc_auc_score(holdout.target[drawn], each.values[drawn])
    return clock.used(np.nan, np.nan, times=arguments.replicates / arguments.naive)


WAYS: dict[str, Callable[[argparse.Namespace], Used]] = {
    "DeLong": by_delong,
    "bootstrap": by_bootstrap,
    "naive": naively,
}


class _Clock:
    """Counts from its making."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def used(self, lower: float, upper: float, *, times: float = 1.0) -> Used:
        wall, cpu = time.perf_counter() - self._wall, time.process_time() - self._cpu
        return Used(wall * times, cpu * times, _peak_mib(), lower, upper)


def _in_own_process(way: str) -> Used:
    command = [sys.executable, __file__, *sys.argv[1:], "--way", way]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    return Used(**json.loads(answer.stdout))


def _peak_mib() -> float:
    """This process's peak; not ru_maxrss, which a child inherits from its parent."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return next(int(x.split()[1]) for x in status.splitlines() if x.startswith("VmHWM")) / 1024


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--replicates", type=int, default=2000)
    parser.add_argument("--naive", type=int, default=4, help="replicates of the naive loop to run")
    parser.add_argument("--share", type=float, default=0.1, help="about how many are positive")
    parser.add_argument("--way", choices=list(WAYS), help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
