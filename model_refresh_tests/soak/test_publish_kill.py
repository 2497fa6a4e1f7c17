"""Publishing and rolling back, killed at any moment: no batch is mixed, and one more run misses none.

What is killed scores each of several frames under one champion, rolls back, scores it again beside,
brings the champion back and scores once more; each batch is delivered to a sink, of which the last
one stays. Then each frame is scored as on any day.
"""

import shutil
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from model_refresh import pipeline
from model_refresh.algorithms.version import load_version
from model_refresh.pipeline.production import current_frame
from model_refresh.refresh.override import override, roll_back
from model_refresh.refresh.rows import load_frame
from model_refresh.storage import Store
from model_refresh.storage.store import stamp
from model_refresh.storage.verify import verify
from model_refresh_tests.cli.terminal import day, run
from model_refresh_tests.conftest import SECOND
from model_refresh_tests.crash import crash_points, killed_after
from model_refresh_tests.lab import NAME, Lab, copy_lab

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's fork server")

FRAMES = range(SECOND + 1, SECOND + 5)
SINKS: Mapping[str, dict[str, object]] = {
    "parquet": {"sink": "parquet", "path": "../../sink"},
    "duckdb": {"sink": "duckdb", "database": "../../sink/scores.duckdb", "table": "scores"},
}
ENDED = "ended by itself"


@dataclass(frozen=True)
class World:
    """Two champions, frames that nobody has scored, and what each champion says of each frame.

    `lab` is where processes are killed, `kept` the store that each of them begins with.
    """

    lab: Lab
    kept: Path
    expected: Mapping[tuple[int, str], NDArray[np.float64]]

    @property
    def sink(self) -> Path:
        """The folder in which the sink lies."""
        return self.lab.fleet.parent / "sink"

    def restore(self) -> None:
        """The store as it was before the first batch, and no sink."""
        shutil.rmtree(self.lab.home, ignore_errors=True)
        shutil.rmtree(self.sink, ignore_errors=True)
        shutil.copytree(self.kept, self.lab.home)


@pytest.fixture
def world(refreshed: Lab, tmp_path: Path, request: pytest.FixtureRequest) -> World:
    """The lab with the sink that a test names."""
    lab = copy_lab(refreshed, tmp_path, {"scores": {"sink": SINKS[request.param]}})
    assert lab.refresh(SECOND).decision == "promote"
    expected = {
        (number, line.record.version): _scores_of(lab, line.record.version, number)
        for number in FRAMES
        for line in lab.store.champion.lines()
    }
    kept = lab.home.rename(tmp_path / "kept")
    return World(replace(lab, store=Store(lab.home).model(NAME)), kept, expected)


def publish_and_roll_back(lab: Lab) -> None:
    """Each frame thrice: by the champion, by the one before it, by the champion again."""
    second = lab.store.champion.line(2).record
    for number in FRAMES:
        pipeline.score(lab.model, lab.store, lab.day(number))
        roll_back(lab.store, to=None, who="ann", reason="complaints")
        pipeline.score(lab.model, lab.store, lab.day(number), again=True)
        override(lab.store, second.version, as_of=second.as_of, who="bob", reason="it was fine")
        pipeline.score(lab.model, lab.store, lab.day(number), again=True)


@pytest.mark.soak
@pytest.mark.parametrize("world", ["duckdb"], indirect=True)
def test_publishing_and_rolling_back_killed_at_any_of_three_moments_mixes_and_misses_nothing(
    world: World,
) -> None:
    _require_healing(world, kills=3)


@pytest.mark.soak
@pytest.mark.parametrize("world", SINKS, indirect=True)
def test_publishing_and_rolling_back_killed_at_any_of_a_hundred_moments_mixes_and_misses_nothing(
    world: World,
) -> None:
    _require_healing(world, kills=100)


@pytest.mark.soak
@pytest.mark.parametrize("world", ["parquet"], indirect=True)
def test_publishing_and_rolling_back_killed_at_every_tenth_call_mixes_and_misses_nothing(
    world: World,
) -> None:
    left: Counter[str] = Counter()
    do = partial(publish_and_roll_back, world.lab)
    for _ in crash_points(do, world.restore, every=10):
        left[_left_behind(world)] += 1
        _require_healed(world)
    sys.stdout.write(f"\n{left.total()} kills at calls; what they left: {dict(left)}\n")
    assert {"a batch half written", "an entry half written"} <= set(left)


def _require_healing(world: World, *, kills: int) -> None:
    """Kill at each i/kills of an undisturbed run's duration.

    A run that ends before its kill shows that this machine has become faster: the duration is
    taken from it.
    """
    lab, do = world.lab, partial(publish_and_roll_back, world.lab)
    seconds = min(_undisturbed(world) for _ in range(2))
    batches = sum(len(lab.store.scores(lab.day(number)).lines()) for number in FRAMES)
    left: Counter[str] = Counter()
    for number in range(kills):
        world.restore()
        took = killed_after(seconds * number / kills, do)
        left[_left_behind(world) if took is None else ENDED] += 1
        seconds = took or seconds
        _require_healed(world)
    sys.stdout.write(
        f"\n{kills} kills over {seconds:.2f} s of {batches} batches and {2 * len(FRAMES)} entries "
        f"by hand; what they left: {dict(left)}\n"
    )
    assert left[ENDED] <= kills / 2, "the kills must meet a run that goes on"


def _undisturbed(world: World) -> float:
    """The seconds that a run takes which nobody kills."""
    world.restore()
    took = killed_after(600, partial(publish_and_roll_back, world.lab))
    assert took is not None
    return took


def _require_healed(world: World) -> None:
    """All that can be seen is whole and of one version; one ordinary run misses no frame."""
    lab = world.lab
    _require_whole(world)
    for number in FRAMES:
        ended = run(lab, "score", NAME, "--as-of", day(lab, number))
        assert ended.code == 0, ended.err
    for number in FRAMES:
        newest = lab.store.scores(lab.day(number)).last()
        assert newest is not None, f"no batch of day {number}"
        delivered = _delivered(world, number)
        assert delivered is not None, f"day {number} is missing in the sink"
        assert set(delivered["batch"]) == {newest.record.content[:16]}, "the newest is in the sink"
    _require_whole(world)
    assert list(lab.home.rglob(".tmp-*")) == [], "drafts are swept"


def _require_whole(world: World) -> None:
    lab, lines = world.lab, world.lab.store.champion.lines()
    assert list(verify(Store(lab.home), [NAME])) == []
    for before, after in zip([None, *lines], lines, strict=False):
        assert after.record.prev == (before and before.record.digest())
    versions = {line.number: line.record.version for line in lines}
    for number in FRAMES:
        batches = [line.record for line in lab.store.scores(lab.day(number)).lines()]
        for batch in batches:
            assert batch.champion == versions[batch.entry]
            table = pl.read_parquet(lab.store.place(batch))
            _require_scores(table, world.expected[number, batch.champion])
        if (delivered := _delivered(world, number)) is not None:
            ((content, champion),) = set(delivered.select("batch", "champion").iter_rows())
            assert content in {batch.content[:16] for batch in batches}
            _require_scores(delivered, world.expected[number, champion])


def _require_scores(table: pl.DataFrame, expected: NDArray[np.float64]) -> None:
    np.testing.assert_array_equal(table.sort("customer_id")["score"].to_numpy(), expected)


def _delivered(world: World, number: int) -> pl.DataFrame | None:
    """What the sink has of a frame; None where there is nothing."""
    as_of, database = world.lab.day(number), world.sink / "scores.duckdb"
    if not database.exists():
        file = world.sink / f"model={NAME}" / f"as_of={stamp(as_of)}" / "scores.parquet"
        return pl.read_parquet(file) if file.exists() else None
    with duckdb.connect(database) as connection:
        if not connection.sql("FROM duckdb_tables()").fetchall():
            return None
        asked = {"as_of": as_of.replace(tzinfo=None)}
        rows = connection.sql("FROM scores WHERE as_of = $as_of", params=asked).pl()
    return rows if rows.height else None


def _left_behind(world: World) -> str:
    """What a killed process had not finished, by its drafts."""
    root = world.lab.store.root
    drafts = {path.relative_to(root).parts[0] for path in root.rglob(".tmp-*")}
    said = {"champion": "an entry", "scores": "a batch", "deliveries": "a delivery's record"}
    half = [what for name, what in said.items() if name in drafts]
    if list(world.sink.rglob(".tmp-*")):
        half.append("a file of the sink")
    return f"{half[0]} half written" if half else "nothing half written"


def _scores_of(lab: Lab, version: str, number: int) -> NDArray[np.float64]:
    """What a version says of each row of a frame, by customer, asked by itself."""
    loaded = load_version(lab.store, version)
    frame = current_frame(lab.model, lab.store, lab.day(number))
    names = [column.name for column in loaded.recipe.features]
    rows = load_frame(lab.store, frame, ["customer_id", *names]).sort("customer_id")
    return loaded.predict(rows)
