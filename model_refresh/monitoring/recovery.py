"""What becomes of runs that broke: which are ended, and which are started once more.

Pure functions over facts; whoever knows the runs collects the facts and acts. The rules look at
what is, not at what happened since the last look, so a look that is missed loses nothing.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

CRASH_RETRIES = 1
"""How often a run is started anew after crashes: one that crashes again may be their cause."""
TRANSIENT_WAITS = tuple(dt.timedelta(minutes=each) for each in (10, 30, 120, 360, 720))
"""How long a run that a transient fault ended waits for its next start, by starts so far: after
the last, 20 hours and 40 minutes in all, it stays failed."""
LAUNCH_GRACE = dt.timedelta(seconds=30)
"""How long a run may be without a worker while it is launched."""
END_GRACE = dt.timedelta(seconds=30)
"""How long a worker may outlive the wish for its end, or the end of its run."""
RETRY_WITHIN = dt.timedelta(days=1)
"""What broke longer ago than this is past mending: newer frames have come since."""

Status = Literal["waiting", "starting", "started", "canceling", "done", "failed", "canceled"]
Worker = Literal["alive", "gone", "none", "unknown"]
"""none: there is no such process (yet). unknown: launched elsewhere, nothing can be said."""

CRASHES = frozenset(
    {"", "UNEXPECTED_TERMINATION", "START_TIMEOUT", "RUN_WORKER_RESTART", "RUN_EXCEPTION"}
)
"""Why a run failed, in Dagster's words, where no step of it did; empty where it did not say.

An exception of the run is one outside of its steps, as where Dagster's records are out of reach:
whatever a step raises is the step's failure.
"""


@dataclass(frozen=True)
class RunFacts:
    """One run as it is now.

    `root` is the first of a run and its repetitions. `subject` tells what is worked on, the same
    for all runs of its kind, and `as_of` on which frame ("" without); later frames sort later.
    `may_pass` tells that every step of it that failed met a transient fault.
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
    may_pass: bool = False

    @property
    def is_crash(self) -> bool:
        """Whether it failed without any step that failed: its process died, or never came."""
        return self.status == "failed" and self.failure in CRASHES

    @property
    def is_transient(self) -> bool:
        """Whether it failed by what may be over in a while: a lock, a full disk."""
        return self.status == "failed" and self.may_pass and not self.is_crash


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
    """The broken runs, each the newest of its root, that are owed another start; oldest first.

    `runs` are those that broke since RETRY_WITHIN, with all of the same root and the newest of the
    same subjects. A crash is owed a start at once, a transient fault one after its wait. None is
    owed where a later run of the same subject covers it: of the same frame or a newer one, and
    not itself a crash.
    """
    of_root, of_subject = defaultdict(list), defaultdict(list)
    for run in runs:
        of_root[run.root].append(run)
        of_subject[run.subject].append(run)
    newest = [max(each, key=lambda run: (run.created_at, run.id)) for each in of_root.values()]
    return sorted(
        (
            run
            for run in newest
            if _is_owed(run, of_root[run.root], now) and not _covered(run, of_subject[run.subject])
        ),
        key=lambda run: (run.created_at, run.id),
    )


def _is_owed(run: RunFacts, of_root: Sequence[RunFacts], now: dt.datetime) -> bool:
    age = now - run.changed_at
    if run.is_crash:
        return age <= RETRY_WITHIN and sum(each.is_crash for each in of_root) <= CRASH_RETRIES
    if run.is_transient:
        faults = sum(each.is_transient for each in of_root)
        return faults <= len(TRANSIENT_WAITS) and TRANSIENT_WAITS[faults - 1] <= age <= RETRY_WITHIN
    return False


def _covered(run: RunFacts, of_subject: Sequence[RunFacts]) -> bool:
    return any(
        each.created_at > run.created_at
        and each.as_of >= run.as_of
        and each.status != "canceled"
        and not each.is_crash
        for each in of_subject
    )
