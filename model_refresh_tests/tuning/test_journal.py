"""The journal of a search: what was tried survives a torn tail, and a kill -9 between any two trials."""

import errno
import math
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from model_refresh.algorithms.protocol import Parameters
from model_refresh.errors import StoreWriteError
from model_refresh.tuning import Attempt, Budget, Journal, Plan, tune
from model_refresh_tests.tuning.grounds import Guess, Levels, Notes, distance, timeless

PLAN = Plan(budget=Budget(trials=8, seconds=60), seed=0)


def attempt(number: int, **changes: object) -> Attempt:
    return Attempt(
        number=number, parameters={"value": 0.1 * number, "on": True}, loss=0.5
    ).model_copy(update=changes)


def written(path: Path, *attempts: Attempt) -> Journal:
    journal = Journal(path)
    for each in attempts:
        journal.add(each)
    return journal


def test_what_was_added_is_found_again(tmp_path: Path) -> None:
    tried = (
        attempt(1, folds=(0.1, 0.9), alone=(0.1, 0.2), seconds=1.25),
        attempt(2, loss=math.inf, failure="a line\nand another"),
        attempt(3, loss=math.inf, pruned=True, alone=(0.7,)),
    )
    journal = written(tmp_path / "studies" / "key.jsonl", *tried)
    assert journal.attempts() == {each.number: each for each in tried}


def test_there_is_nothing_before_the_first_and_after_it_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "key.jsonl"
    assert Journal(path).attempts() == {}
    journal = written(path, attempt(1))
    journal.remove()
    journal.remove()
    assert journal.attempts() == {}
    assert not path.exists()


def test_a_tail_torn_at_any_byte_is_cut_and_the_rest_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "key.jsonl"
    journal = written(path, attempt(1), attempt(2))
    whole = path.read_bytes()
    first = whole.index(b"\n") + 1
    for end in range(first, len(whole)):
        path.write_bytes(whole[:end])
        assert journal.attempts() == {1: attempt(1)}, end
        assert path.read_bytes() == whole[:first]
    journal.add(attempt(2))
    assert path.read_bytes() == whole


def test_nothing_is_read_from_a_damaged_line_on(tmp_path: Path) -> None:
    path = tmp_path / "key.jsonl"
    journal = written(path, *(attempt(number) for number in (1, 2, 3)))
    lines = path.read_bytes().splitlines(keepends=True)
    for place in range(0, len(lines[1]), 7):
        damaged = bytearray(lines[1])
        damaged[place] ^= 1
        path.write_bytes(lines[0] + bytes(damaged) + lines[2])
        assert set(journal.attempts()) == {1}, place
        assert path.read_bytes() == lines[0]


def test_the_first_of_a_number_counts(tmp_path: Path) -> None:
    journal = written(tmp_path / "key.jsonl", attempt(1), attempt(1, loss=0.1))
    assert journal.attempts()[1].loss == 0.5


def test_bytes_that_are_no_text_are_cut_too(tmp_path: Path) -> None:
    path = tmp_path / "key.jsonl"
    journal = written(path, attempt(1))
    path.write_bytes(path.read_bytes() + os.urandom(300) + b"\n")
    assert set(journal.attempts()) == {1}


def test_a_disk_that_refuses_is_no_fault_of_the_candidate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(file: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(StoreWriteError, match="No space left on device"):
        Journal(tmp_path / "key.jsonl").add(attempt(1))


def searched(journal: Journal | Notes | None) -> tuple[list[Attempt], Parameters]:
    tuned, _ = tune(
        Guess(), Levels((10.0, 9.0)), task="regression", plan=PLAN, loss=distance, journal=journal
    )
    return timeless(tuned.attempts), tuned.parameters


@pytest.mark.parametrize("after", [1, 3, 6])
def test_a_search_killed_after_some_trials_ends_as_if_nothing_had_happened(
    tmp_path: Path, after: int
) -> None:
    path = tmp_path / "key.jsonl"
    killed = subprocess.run(
        [sys.executable, "-m", "model_refresh_tests.tuning.killed", path, str(after)], check=False
    )
    assert killed.returncode == -signal.SIGKILL
    kept = Journal(path).attempts()
    assert sorted(kept) == list(range(1, after + 1)), (
        "what was finished; the trial underway is lost"
    )
    assert searched(Journal(path)) == searched(None)
    assert timeless(tuple(Journal(path).attempts().values()))[:after] == timeless(
        tuple(kept.values())
    )
    assert sorted(Journal(path).attempts()) == list(range(1, 9))


@pytest.mark.parametrize("known", range(9))
def test_wherever_a_search_stopped_it_goes_on_to_the_same_end(known: int) -> None:
    whole = Notes()
    expected = searched(whole)
    notes = Notes({number: whole.held[number] for number in range(1, known + 1)})
    assert searched(notes) == expected
    assert notes.added == list(range(known + 1, 9)), "nothing that is known is tried again"
