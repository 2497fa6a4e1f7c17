"""A round over a fleet takes no longer with the years: it reads no more names than in the first."""

import datetime as dt
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from model_refresh.monitoring.alerts import Known, open_alerts
from model_refresh.monitoring.overview import Memo, fleet_rows
from model_refresh.records import Drift, Reason
from model_refresh.storage import Store
from model_refresh.storage.store import stamp
from model_refresh_tests.conftest import FIRST
from model_refresh_tests.lab import NAME, Lab

DAY = dt.timedelta(days=1)
DIGEST = "0" * 64
KINDS = ("scores", "drift", "performance", "refreshes")


def names_read(work: Callable[[], object]) -> int:
    """How many names are read from folders, where what was changed last was so some time ago."""
    found: list[str] = []
    now, listdir, scandir = time.time_ns, os.listdir, os.scandir

    def names(folder: Path) -> list[str]:
        found.extend(listed := listdir(folder))
        return listed

    def entries(folder: Path) -> Iterator[os.DirEntry[str]]:
        for entry in scandir(folder):
            found.append(entry.name)
            yield entry

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(time, "time_ns", lambda: now() + 10_000_000_000)
        patched.setattr(os, "listdir", names)
        patched.setattr(os, "scandir", entries)
        work()
    return len(found)


def rounds(lab: Lab) -> dict[str, Callable[[], object]]:
    """What the sensors `alerts` and `overview` do, in one process."""
    store, now = Store(lab.home), lab.day(FIRST) + 7 * DAY / 24
    known, memo = Known(memo=Memo()), Memo()
    return {
        "alerts": lambda: open_alerts([lab.model], [], store=store, now=now, known=known),
        "overview": lambda: fleet_rows([lab.model], [], store=store, memo=memo, now=now),
    }


def add_frames(lab: Lab, days: range, before: dt.datetime) -> None:
    """A folder of each kind for frames so many days before an instant."""
    for kind in KINDS:
        for number in days:
            folder = lab.store.root / kind / stamp(before - number * DAY)
            folder.mkdir(parents=True, exist_ok=True)


def add_refresh(lab: Lab, as_of: dt.datetime) -> None:
    """A refresh that ended at its instant."""
    reason = Reason(kind="schedule", as_of=as_of, sentence="s", request="r")
    store = Store(lab.home, lambda: as_of).model(lab.model.name)
    assert store.reasons(as_of).append(reason, number=1)


@pytest.mark.parametrize("sensor", ["alerts", "overview"])
def test_a_round_reads_no_more_names_after_a_year_of_frames(lab: Lab, sensor: str) -> None:
    before = lab.day(FIRST) - 30 * DAY
    one_round, counts = rounds(lab)[sensor], []
    add_frames(lab, range(20), before)
    add_refresh(lab, before)
    for _ in range(2):
        names_read(one_round)
        counts.append(names_read(one_round))
        add_frames(lab, range(20, 365), before)
    assert counts[0] == counts[1] > 0


def test_what_is_kept_of_a_model_is_kept_by_its_name(lab: Lab) -> None:
    add_refresh(lab, lab.day(FIRST + 2))
    memo = Memo()
    now = lab.day(FIRST + 2)
    fleet_rows([lab.model], [], store=Store(lab.home), memo=memo, now=now)
    open_alerts([lab.model], [], store=Store(lab.home), now=now, known=Known(memo=memo))
    assert any("/reason/" in name for name in memo.names)
    assert all(f"{NAME}/" in name for name in memo.names)


def test_the_memo_of_a_sensor_that_lives_long_does_not_grow(lab: Lab) -> None:
    memo, sizes = Memo(), []
    for number in range(5):
        at = lab.day(FIRST + number)
        drift = Drift(
            as_of=at, frame=DIGEST, version="v", entry=1, limits=DIGEST, rows=3, reference_rows=9
        )
        assert lab.store.drifts(at).append(drift, number=1)
        open_alerts([lab.model], [], store=Store(lab.home), now=at, known=Known(memo=memo))
        sizes.append(len(memo.names))
    assert sizes[1:] == [sizes[1]] * 4
    assert any(stamp(lab.day(FIRST + 4)) in name for name in memo.names)
    assert not any(f"drift/{stamp(lab.day(FIRST))}" in name for name in memo.names)
