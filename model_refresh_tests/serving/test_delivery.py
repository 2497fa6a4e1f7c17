"""A published batch reaches its sink, once the audit has passed it, whatever dies in between."""

import errno
import fcntl
import os
import shutil
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import duckdb
import polars as pl
import pytest

from model_refresh import pipeline
from model_refresh.errors import CorruptError, DataError, SinkError, SinkUnreachable
from model_refresh.pipeline.production import delivery
from model_refresh.records import Scores
from model_refresh.refresh.override import override, roll_back
from model_refresh.serving.batch.delivery import deliver_newest
from model_refresh.serving.batch.writing import write_scores
from model_refresh.sinks import ParquetFolder, Partition
from model_refresh.storage.files import sweep
from model_refresh.storage.store import stamp
from model_refresh_tests.conftest import FIRST, SECOND
from model_refresh_tests.crash import crash_points
from model_refresh_tests.faults.world import ROOT, command, problems, run
from model_refresh_tests.lab import NAME, Lab, copy_lab

FILES = {"scores.sink": {"sink": "parquet", "path": "../../out"}}
TABLE = {"scores.sink": {"sink": "duckdb", "database": "out.duckdb", "table": "scores"}}


def scored(lab: Lab, number: int, *, again: bool = False) -> Scores:
    line = pipeline.score(lab.model, lab.store, lab.day(number), again=again)
    assert line is not None
    return line.record


def delivered(lab: Lab) -> pl.DataFrame:
    """What lies in the folder of files."""
    return pl.read_parquet(lab.fleet.parent / "out" / "**" / "*.parquet", hive_partitioning=True)


def test_a_published_batch_is_delivered_and_recorded_once(lab: Lab) -> None:
    lab = lab.again(FILES)
    scores = scored(lab, FIRST)
    published, rows = pl.read_parquet(lab.store.place(scores)), delivered(lab)
    assert rows.select(published.columns).equals(published)
    assert rows["batch"].unique().to_list() == [scores.content[:16]]
    before = sorted(lab.fleet.parent.rglob("*"))
    assert scored(lab, FIRST) == scores
    assert sorted(lab.fleet.parent.rglob("*")) == before
    assert len(lab.store.deliveries(lab.day(FIRST)).lines()) == 1
    assert problems(lab) == []


def test_a_sink_that_was_declared_later_gets_what_was_published_before(lab: Lab) -> None:
    scores = scored(lab, FIRST)
    assert delivery(lab.model, lab.store, scores) is None
    with_files, with_table = lab.again(FILES), lab.again(TABLE)
    for each in (with_files, with_table):
        assert scored(each, FIRST) == scores
        told = delivery(each.model, each.store, scores)
        assert told is not None
        assert told.rows == 300
    assert delivery(with_files.model, lab.store, scores) is None, "it was the last to other places"


def test_a_kill_at_any_call_of_scoring_is_healed_by_running_again(lab: Lab) -> None:
    lab = lab.again(FILES)
    out, do = (
        lab.fleet.parent / "out",
        partial(pipeline.score, lab.model, lab.store, lab.day(FIRST)),
    )

    def prepare() -> None:
        for folder in (out, lab.store.root / "scores", lab.store.root / "deliveries"):
            shutil.rmtree(folder, ignore_errors=True)

    seen = set()
    for _ in crash_points(do, prepare, every=3):
        lines = lab.store.scores(lab.day(FIRST)).lines()
        files = list(out.rglob("*.parquet"))
        assert len(files) <= len(lines), "nothing is delivered that is not published"
        assert all(pl.read_parquet(file).height == 300 for file in files)
        assert len(lab.store.deliveries(lab.day(FIRST)).lines()) <= len(files)
        seen.add((len(lines), len(files)))
        sweep(lab.home)
        scored(lab, FIRST)
        assert delivered(lab).height == 300
        assert problems(lab) == []
    assert seen == {(0, 0), (1, 0), (1, 1)}


def test_a_rollback_reaches_the_sink_with_the_next_batch_on_demand(lab: Lab) -> None:
    lab = lab.again(FILES)
    lab.refresh(SECOND)
    assert scored(lab, SECOND).entry == 2
    roll_back(lab.store, to=None, who="ann", reason="complaints")
    assert scored(lab, SECOND).entry == 2
    assert scored(lab, SECOND, again=True).entry == 3
    rows = delivered(lab)
    assert (rows.height, rows["entry"].unique().to_list()) == (300, [3])
    batches = [line.record.batch for line in lab.store.deliveries(lab.day(SECOND)).lines()]
    assert [batch[:16] for batch in batches][-1:] == rows["batch"].unique().to_list()
    assert len(batches) == 2


def test_what_the_sink_lost_is_delivered_anew_on_demand(lab: Lab) -> None:
    lab = lab.again(FILES)
    scored(lab, FIRST)
    shutil.rmtree(lab.fleet.parent / "out")
    scored(lab, FIRST)
    assert not (lab.fleet.parent / "out").exists()
    scored(lab, FIRST, again=True)
    assert delivered(lab).height == 300


def test_a_sink_out_of_reach_keeps_no_batch_back_and_running_again_delivers(lab: Lab) -> None:
    sink = {"sink": "duckdb", "database": "out.duckdb", "table": "scores", "wait_seconds": 0}
    lab = lab.again({"scores.sink": sink})
    hold = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print(1, flush=True); input()"
    holder = subprocess.Popen(
        [sys.executable, "-c", hold, str(lab.folder / "out.duckdb")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    holder.stdout.readline()
    score = [sys.executable, *command(lab, "score", NAME, "--as-of", stamp(lab.day(FIRST)))]
    ended = run(score)
    assert ended.returncode == 1
    assert "the batch is published, " in ended.stderr
    assert "locked by another process" in ended.stderr
    assert "run model-refresh score again" in ended.stderr
    assert len(lab.store.scores(lab.day(FIRST)).lines()) == 1
    with pytest.raises(SinkUnreachable) as caught:
        scored(lab, FIRST)
    assert caught.value.transient
    assert lab.store.deliveries(lab.day(FIRST)).lines() == []
    holder.communicate("\n")
    assert "delivered: 300 rows to " in run(score).stdout
    with duckdb.connect(lab.folder / "out.duckdb", read_only=True) as connection:
        assert connection.sql("SELECT count(*) FROM scores").fetchall() == [(300,)]


def test_a_sink_that_refuses_says_what_to_mend(lab: Lab) -> None:
    lab = lab.again(TABLE)
    with duckdb.connect(lab.folder / "out.duckdb") as connection:
        connection.execute("CREATE TABLE scores (id INT)")
    with pytest.raises(SinkError, match=r"is published.*lacks the column 'model'.*mend that") as no:
        scored(lab, FIRST)
    assert not no.value.transient
    assert len(lab.store.scores(lab.day(FIRST)).lines()) == 1


def test_what_the_audit_refuses_reaches_neither_store_nor_sink(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = lab.again(FILES)

    def write_reversed(store: object, path: Path, champion: object, challenger: object) -> None:
        write_scores(store, path, champion, challenger)  # type: ignore[arg-type]
        pl.read_parquet(path).reverse().write_parquet(path)

    monkeypatch.setattr("model_refresh.serving.scores.write_scores", write_reversed)
    with pytest.raises(DataError, match=r"row 1 has the key \(299,\), its frame \(0,\) there"):
        scored(lab, FIRST)
    assert lab.store.scores(lab.day(FIRST)).lines() == []
    assert not (lab.fleet.parent / "out").exists()
    assert list((lab.store.root / "scores").rglob("*.parquet")) == []


def test_a_damaged_batch_is_not_delivered(lab: Lab) -> None:
    path = lab.store.place(scored(lab, FIRST))
    path.write_bytes(path.read_bytes()[:-1])
    lab = lab.again(FILES)
    with pytest.raises(CorruptError, match=r"scores\.parquet"):
        scored(lab, FIRST)
    with pytest.raises(CorruptError, match=r"scores\.parquet"):
        deliver_newest(lab.model, lab.store, lab.day(FIRST))
    assert not (lab.fleet.parent / "out").exists()


def test_the_last_to_arrive_is_of_the_newest_batch_whoever_is_first(lab: Lab) -> None:
    scored(lab, FIRST)
    lab = lab.again(FILES)
    folder = lab.store.deliveries(lab.day(FIRST)).folder
    folder.mkdir(parents=True)
    lock = os.open(folder, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    waiting = threading.Thread(target=deliver_newest, args=(lab.model, lab.store, lab.day(FIRST)))
    waiting.start()
    trial = str(lab.store.champion.line(1).record.trial)
    override(lab.store, trial, as_of=lab.day(FIRST), who="ann", reason="meanwhile")
    plain = lab.again({})
    newest = scored(plain, FIRST, again=True)
    assert waiting.is_alive()
    os.close(lock)
    waiting.join()
    assert delivered(lab)["batch"].unique().to_list() == [newest.content[:16]]


def test_without_locks_an_older_batch_that_arrives_last_is_followed_by_the_newer(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = lab.again(FILES)

    def no_locks(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr("fcntl.flock", no_locks)
    deliver, calls, newer = ParquetFolder.deliver, list[Partition](), list[Scores]()

    def overtaken(self: ParquetFolder, batch: Path, where: Partition, folder: Path) -> str:
        """While the first batch is on its way, the second one is published and arrives."""
        calls.append(where)
        if len(calls) == 1:
            trial = str(lab.store.champion.line(1).record.trial)
            override(lab.store, trial, as_of=lab.day(FIRST), who="ann", reason="meanwhile")
            newer.append(scored(lab, FIRST, again=True))
        return deliver(self, batch, where, folder)

    monkeypatch.setattr(ParquetFolder, "deliver", overtaken)
    scored(lab, FIRST)
    assert delivered(lab)["batch"].unique().to_list() == [newer[0].content[:16]]
    last = lab.store.deliveries(lab.day(FIRST)).last()
    assert last is not None
    assert last.record.batch == newer[0].content
    assert problems(lab) == []


@pytest.mark.parametrize("pairs", [False, True])
def test_two_stores_publish_the_same_bytes_whatever_the_threads(
    lab: Lab, tmp_path: Path, pairs: bool
) -> None:
    if pairs:
        sql = (lab.folder / "features.sql").read_text()
        other = sql.replace("WHERE day", "WHERE customer_id > 9 AND day")
        (lab.folder / "features.sql").write_text(other)
    gate = {"gate": "absolute", "metric": "roc_auc", "at_least": 0.999}
    lab.again({"gates": [gate], **FILES}).refresh(SECOND)
    found = []
    for threads in ("1", "2"):
        copy = copy_lab(lab, tmp_path / f"threads{threads}", {"gates": [gate], **FILES})
        environment = {f"{name}_THREADS": threads for name in ("POLARS_MAX", "OMP_NUM")}
        score = [sys.executable, *command(copy, "score", NAME, "--as-of", stamp(copy.day(SECOND)))]
        subprocess.run(score, env={**os.environ, **environment}, check=True, cwd=ROOT)
        (batch,) = copy.store.scores(copy.day(SECOND)).lines()
        assert batch.record.challenger is not None
        (file,) = (copy.fleet.parent / "out").rglob("*.parquet")
        found.append((copy.store.place(batch.record).read_bytes(), file.read_bytes()))
    assert found[0] == found[1]
