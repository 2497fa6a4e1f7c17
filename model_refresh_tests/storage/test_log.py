"""The numbered log: ordered, append-only, verified."""

import datetime as dt
import multiprocessing
from pathlib import Path

import pytest

from model_refresh.errors import CorruptError
from model_refresh.records import CheckResult, Cost
from model_refresh.storage.log import Log

CLOCK = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)


def make_log(folder: Path) -> Log[CheckResult]:
    return Log(folder, CheckResult, lambda: CLOCK)


def make_record(sentence: str = "fine") -> CheckResult:
    return CheckResult(name="rows", outcome="passed", sentence=sentence)


def test_lines_come_back_in_order_with_what_the_clock_and_the_meter_said(tmp_path: Path) -> None:
    log = make_log(tmp_path)
    cost = Cost(seconds=1.5, cpu_seconds=2.0, peak_mib=10.0)
    assert log.append(make_record("a"), number=1, cost=cost)
    assert log.append(make_record("b"), number=2)
    assert [line.record.sentence for line in log.lines()] == ["a", "b"]
    assert (log.line(1).cost, log.line(1).recorded_at) == (cost, CLOCK)


def test_a_number_is_taken_once(tmp_path: Path) -> None:
    log = make_log(tmp_path)
    assert log.append(make_record("a"), number=1)
    assert not log.append(make_record("b"), number=1)
    assert log.line(1).record.sentence == "a"


def test_recording_twice_from_the_same_inputs_changes_nothing(tmp_path: Path) -> None:
    log = make_log(tmp_path)
    first = log.record_once(make_record(), key="0" * 64)
    assert log.record_once(make_record("other clock"), key="0" * 64) == first
    assert len(log.lines()) == 1


def test_recalling_an_older_line_makes_it_the_newest_again(tmp_path: Path) -> None:
    log = make_log(tmp_path)
    log.record_once(make_record("a"), key="a" * 64)
    log.record_once(make_record("b"), key="b" * 64)
    recalled = log.recall("a" * 64)
    newest = log.last()
    assert recalled is not None
    assert newest is not None
    assert (recalled.number, newest.record.sentence) == (3, "a")
    assert log.recall("c" * 64) is None


def test_every_flipped_byte_of_a_line_is_found(tmp_path: Path) -> None:
    log = make_log(tmp_path)
    log.append(make_record(), number=1, key="0" * 64, cost=Cost(seconds=1.0))
    path = tmp_path / "00000001.json"
    whole = path.read_bytes()
    for position in range(len(whole)):
        damaged = bytearray(whole)
        damaged[position] ^= 1
        path.write_bytes(bytes(damaged))
        with pytest.raises(CorruptError, match=r"00000001\.json"):
            log.line(1)


def test_a_missing_line_is_named(tmp_path: Path) -> None:
    log = make_log(tmp_path)
    for number in (1, 2, 3):
        log.append(make_record(), number=number)
    (tmp_path / "00000002.json").unlink()
    with pytest.raises(CorruptError, match=r"00000002\.json is missing"):
        log.lines()


def test_recording_goes_on_behind_a_missing_line(tmp_path: Path) -> None:
    log = make_log(tmp_path)
    for number in (1, 2, 3):
        log.append(make_record(), number=number)
    log.path(2).unlink()
    assert log.record_once(make_record("later"), key="0" * 64).number == 4


@pytest.mark.parametrize("name", ["1.json", "²²²²²²²².json", "٠٠٠٠٠٠٠٢.json", "000000002.json"])
def test_a_planted_file_is_no_line(tmp_path: Path, name: str) -> None:
    log = make_log(tmp_path)
    log.append(make_record("a"), number=1)
    (tmp_path / name).write_bytes(log.path(1).read_bytes())
    assert [line.record.sentence for line in log.lines()] == ["a"]
    assert log.record_once(make_record("b"), key="0" * 64).number == 2


def _append(folder: str, worker: int) -> None:
    log = make_log(Path(folder))
    for step in range(10):
        record = make_record(f"{worker}-{step}")
        while not log.append(record, number=len(log.lines()) + 1):
            pass


def test_eight_processes_make_one_order_and_lose_nothing(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_append, args=(str(tmp_path), i)) for i in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    sentences = [line.record.sentence for line in make_log(tmp_path).lines()]
    assert sorted(sentences) == sorted(f"{w}-{s}" for w in range(8) for s in range(10))
