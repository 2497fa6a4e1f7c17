"""How often a champion has been looked at: exactly, and from a few of its grades."""

import datetime as dt
import random
from pathlib import Path

import pytest

from model_refresh.monitoring.performance.looks import look_of
from model_refresh.records import CheckResult, Performance
from model_refresh.storage import Log, ModelStore, Store
from model_refresh_tests.monitoring.worlds import DIGEST, crown

START = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
CHECK = CheckResult(name="decay", outcome="passed", sentence="as promised")


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return Store(tmp_path).model("m")


def champion(letter: str) -> str:
    return letter * 16


def grade(store: ModelStore, hour: int, letter: str, *, look: int, is_looked: bool = True) -> None:
    record = Performance(
        as_of=START + hour * HOUR,
        batch=DIGEST,
        entry=1,
        champion=champion(letter),
        primary="log_loss",
        checks=(CHECK,) if is_looked else (),
        look=look,
    )
    store.performances(record.as_of).add(record)


def counted(store: ModelStore, letter: str, as_of: dt.datetime) -> int:
    """The look by its definition: every grade there is, read and counted."""
    own = [
        (instant, [r.look for r in records if r.champion == champion(letter) and r.checks])
        for instant in store.graded()
        for records in [[line.record for line in store.performances(instant).lines()]]
    ]
    kept = next((looks[-1] for instant, looks in own if looks and instant == as_of), None)
    return kept or sum(bool(looks) for instant, looks in own if instant != as_of) + 1


@pytest.mark.parametrize("seed", range(6))
def test_the_number_of_a_look_is_the_count_of_frames_in_whatever_order_they_were_graded(
    store: ModelStore, seed: int
) -> None:
    """Of two champions in turn, some frames unjudged, some graded twice, some at the same time."""
    rng = random.Random(seed)
    for number, letter in enumerate("aba"):
        crown(store, START + 6 * number * HOUR, version=letter)
    order = [rng.randrange(18) for _ in range(30)]
    looks: list[tuple[int, str, int]] = []
    for hour in order:
        letter = "aba"[hour // 6] if rng.random() < 0.9 else "a"
        as_of = START + hour * HOUR
        look = look_of(store, champion(letter), as_of)
        assert look == counted(store, letter, as_of)
        looks.append((hour, letter, look))
        if rng.random() < 0.8:  # the others are published later, as runs at the same time do
            for each in looks:
                grade(store, each[0], each[1], look=each[2], is_looked=rng.random() < 0.8)
            looks.clear()


@pytest.mark.parametrize(("first", "last"), [(10, 20), (10, 18), (12, 20)])
def test_of_a_long_history_a_few_grades_are_read(
    store: ModelStore, monkeypatch: pytest.MonkeyPatch, first: int, last: int
) -> None:
    """Also where other champions scored the first, or the last, frames of this one's time."""
    crown(store, START, version="a")
    crown(store, START + 10 * HOUR, version="b")
    for hour in range(20):
        is_own = first <= hour < last
        grade(store, hour, "b" if is_own else "a", look=hour - first + 1 if is_own else hour + 1)
    read: list[Path] = []
    line = Log.line

    def counting(log: Log, number: int) -> object:  # type: ignore[type-arg]
        read.append(log.folder)
        return line(log, number)

    monkeypatch.setattr(Log, "line", counting)
    assert look_of(store, champion("b"), START + 20 * HOUR) == last - first + 1
    assert len([folder for folder in read if folder.parent.parent.name == "m"]) <= 5, read
