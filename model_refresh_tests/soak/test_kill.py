"""A refresh that is killed at any moment, as by the out-of-memory killer, is run once more.

Only the process is killed, not its group: what it had started must end by itself.
"""

import contextlib
import hashlib
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from model_refresh.storage import Store
from model_refresh.storage.store import stamp
from model_refresh.storage.verify import verify
from model_refresh_tests.conftest import FIRST
from model_refresh_tests.lab import NAME, Lab, make_lab

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux kills a dead parent's child"
)

ROOT = Path(__file__).parents[2]
STEPS = ("dataset", "candidate_constant", "candidate_linear", "candidate_lightgbm",
         "candidate_recalibrated", "candidate_ensemble", "comparison", "verdict", "challenger",
         "promotion")  # fmt: skip
ENDED = "ended by itself"
PATIENCE_SECONDS = 10.0

SMALL = {"training.refit": False}
LARGE = {
    "training.candidates": [
        {"algorithm": "constant"},
        {"algorithm": "linear"},
        {"algorithm": "lightgbm", "rounds": 60},
        {"algorithm": "recalibrated"},
        {"algorithm": "ensemble"},
    ],
    "training.calibration": "auto",
    "training.folds": 2,
    "training.window": [3, 2],
    "training.tuning": {"trials": 4, "seconds": 600},
    "comparison.metric": "brier",
}


@dataclass(frozen=True)
class Outcome:
    """What may not depend on kills: the champions, and every byte of every version."""

    entries: tuple[str, ...]
    versions: Mapping[str, str]


@pytest.mark.soak
def test_a_refresh_killed_at_any_of_three_moments_ends_as_an_undisturbed_one(
    tmp_path: Path,
) -> None:
    _require_the_same_end(make_lab(tmp_path, SMALL), kills=3)


@pytest.mark.soak
def test_a_refresh_killed_at_any_of_a_hundred_moments_ends_as_an_undisturbed_one(
    tmp_path: Path,
) -> None:
    _require_the_same_end(make_lab(tmp_path, LARGE), kills=100)


def _require_the_same_end(lab: Lab, *, kills: int) -> None:
    """Kill at each i/kills of an undisturbed refresh's duration, i from 0, in a store of its own.

    A refresh that ends before its kill shows that this machine has become faster: the duration is
    taken from it.
    """
    seconds, expected = _undisturbed(lab)
    reached: Counter[str] = Counter()
    for number in range(kills):
        killed = _at(lab, f"killed-{number}")
        started = time.monotonic()
        step = _kill_after(killed, seconds * number / kills)
        reached[step] += 1
        if step == ENDED:
            seconds = time.monotonic() - started
        assert _problems(killed) == [], f"kill {number}: what can be seen is whole"
        _refresh(killed)
        assert _outcome(killed) == expected, f"kill {number}"
        assert _problems(killed) == [], f"kill {number}"
        assert list(killed.home.rglob(".tmp-*")) == [], f"kill {number}: drafts are swept"
    sys.stdout.write(
        f"\n{kills} kills over {seconds:.1f} s, each run again to the same end; the last step "
        f"recorded at the kill: {dict(reached)}\n"
    )
    assert reached[ENDED] <= kills / 2, "the kills must meet a refresh that is running"


def _undisturbed(lab: Lab) -> tuple[float, Outcome]:
    """The faster of two refreshes, which must end alike."""
    outcomes, durations = [], []
    for number in range(2):
        alone = _at(lab, f"alone-{number}")
        started = time.monotonic()
        _refresh(alone)
        durations.append(time.monotonic() - started)
        outcomes.append(_outcome(alone))
    assert outcomes[0] == outcomes[1]
    assert outcomes[0].entries
    return min(durations), outcomes[0]


def _at(lab: Lab, home: str) -> Lab:
    """The same model with a store that holds nothing yet."""
    place = lab.home.parent / home
    return replace(lab, home=place, store=Store(place).model(NAME))


def _command(lab: Lab) -> list[str]:
    model_refresh = [sys.executable, "-m", "model_refresh"]
    places = ["--fleet", str(lab.fleet), "--home", str(lab.home)]
    return [*model_refresh, "refresh", NAME, "--as-of", stamp(lab.day(FIRST)), *places]


def _refresh(lab: Lab) -> None:
    ended = subprocess.run(_command(lab), cwd=ROOT, check=False, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr


def _kill_after(lab: Lab, seconds: float) -> str:
    """Start a refresh, kill it, see all of it end; the last step that it had recorded."""
    process = subprocess.Popen(
        _command(lab),
        cwd=ROOT,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(seconds)
    process.kill()
    ended = process.wait() == 0
    end = time.monotonic() + PATIENCE_SECONDS
    while (left := _running(lab.home)) and time.monotonic() < end:
        time.sleep(0.01)
    assert left == [], "what a killed refresh had started ends with it"
    return ENDED if ended else _last_step(lab)


def _running(home: Path) -> list[str]:
    """The command lines of the processes that were told of this store and have not ended."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes()
        except OSError:
            continue
        if str(home).encode() in command:
            found.append(command.replace(b"\0", b" ").decode(errors="replace"))
    return found


def _last_step(lab: Lab) -> str:
    folder = lab.store.root / "refreshes" / stamp(lab.day(FIRST))
    recorded = [step for step in STEPS if list((folder / step).glob("*.json"))]
    if recorded:
        return recorded[-1]
    return "frames" if list(lab.store.root.glob("frames/*/*/*.json")) else "nothing"


def _outcome(lab: Lab) -> Outcome:
    files = sorted(path for path in lab.store.versions_folder.rglob("*") if path.is_file())
    return Outcome(
        entries=tuple(line.record.digest() for line in lab.store.champion.lines()),
        versions={
            str(path.relative_to(lab.home)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in files
        },
    )


def _problems(lab: Lab) -> list[str]:
    store = Store(lab.home)
    return list(verify(store, store.models()))
