"""What becomes of runs whose worker is gone: which are ended, and which are started once more.

Pure functions over facts; whoever knows the runs collects the facts and acts. The rules look at
what is, not at what happened since the last look, so a look that is missed loses nothing.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

CRASH_RETRIES = 1
"""How often a run is started anew after crashes: one that crashes again may be their cause."""
LAUNCH_GRACE = dt.timedelta(seconds=30)
"""How long a run may be without a worker while it is launched."""
END_GRACE = dt.timedelta(seconds=30)
"""How long a worker may outlive the wish for its end, or the end of its run."""
RETRY_WITHIN = dt.timedelta(days=1)
"""A crash that was noted longer ago than this is past mending: newer frames have come since."""

Status = Literal["waiting", "starting", "started", "canceling", "done", "failed", "canceled"]
Worker = Literal["alive", "gone", "none", "unknown"]
"""none: there is no such process (yet). unknown: launched elsewhere, nothing can be said."""

CRASHES = frozenset({"", "UNEXPECTED_TERMINATION", "START_TIMEOUT", "RUN_WORKER_RESTART"})
"""Why a run failed, in Dagster's words, where nothing in it did; empty where it did not say."""


@dataclass(frozen=True)
class RunFacts:
    """One run as it is now.

    `root` is the first of a run and its repetitions. `subject` tells what is worked on, the same
    for all runs of its kind, and `as_of` on which frame ("" without); later frames sort later.
    """

    id: str
    root: str
    status: Status
    worker: Worker
    changed_at: dt.datetime
    created_at: dt.datetime
    subject: str
    as_of: str = ""
    failure: str = ""

    @property
    def is_crash(self) -> bool:
        """Whether it failed without any step that failed: its process died, or never came."""
        return self.status == "failed" and self.failure in CRASHES


@dataclass(frozen=True)
class Ending:
    """What is to be done to end a run; `status` None: it has ended, but for its worker."""

    status: Literal["failed", "canceled"] | None
    sentence: str


def ending(run: RunFacts, now: dt.datetime) -> Ending | None:
    """How to end a run that can't go on; None where there is nothing to do.

    In each case what is left of its worker's group is to be killed first.
    """
    age = now - run.changed_at
    end: Ending | None = None
    match run.status, run.worker:
        case "started", "gone" | "none":
            end = Ending("failed", "its worker process is gone")
        case "starting", "gone":
            end = Ending("failed", "its worker process ended before the run began")
        case "starting", "none" | "unknown" if age > LAUNCH_GRACE:
            end = Ending("failed", f"no worker came within {LAUNCH_GRACE.seconds} s")
        case "canceling", "gone" | "none":
            end = Ending("canceled", "it was to end, and its worker process is gone")
        case "canceling", "alive" if age > END_GRACE:
            end = Ending("canceled", f"it did not end by itself within {END_GRACE.seconds} s")
        case "done" | "failed" | "canceled", "alive" if age > END_GRACE:
            end = Ending(None, "it has ended, and its worker process had not")
    return end


def to_start_again(runs: Sequence[RunFacts], now: dt.datetime) -> list[RunFacts]:
    """The crashed runs, each the first of its kind, that are owed another start; oldest first.

    `runs` are the newest runs of each subject that crashed, all of them since RETRY_WITHIN. None
    is owed where it was started again already, or where a later run of the same subject covers it:
    the same frame or a newer one, and not itself a crash.
    """
    owed = [run for run in runs if run.is_crash and now - run.changed_at <= RETRY_WITHIN]
    return sorted(
        (
            run
            for run in owed
            if _repetitions(run, runs) < CRASH_RETRIES and not _covered(run, runs)
        ),
        key=lambda run: (run.created_at, run.id),
    )


def _repetitions(run: RunFacts, runs: Sequence[RunFacts]) -> int:
    return sum(each.root == run.root and each.id != run.root for each in runs)


def _covered(run: RunFacts, runs: Sequence[RunFacts]) -> bool:
    return any(
        each.subject == run.subject
        and each.created_at > run.created_at
        and each.as_of >= run.as_of
        and each.status != "canceled"
        and not each.is_crash
        for each in runs
    )
