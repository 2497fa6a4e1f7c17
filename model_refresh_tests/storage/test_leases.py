"""Leases: never two holders, and none that outlives its process."""

import datetime as dt
import errno
import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from multiprocessing.queues import Queue
from pathlib import Path
from unittest.mock import Mock

import pytest

from model_refresh.errors import Leased
from model_refresh.processes import Fingerprint
from model_refresh.storage import ModelStore, Store
from model_refresh.storage import leases as leasing
from model_refresh.storage.files import publish_file
from model_refresh.storage.leases import Held, Holder, current_lease, lease
from model_refresh.storage.verify import verify
from model_refresh_tests.waiting import wait_until

FORK = multiprocessing.get_context("fork")
GONE = Fingerprint("another-boot", 1, "1")


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return Store(tmp_path).model("visits")


def names(store: ModelStore) -> list[str]:
    return sorted(path.name for path in store.leases_folder.iterdir())


def test_a_lease_is_held_and_given_back(store: ModelStore) -> None:
    assert current_lease(store) is None
    with lease(store, holder=Holder.here("ann")):
        found = current_lease(store)
        assert found is not None
        assert found.holder is not None
        assert found.holder.words == "ann"
    assert current_lease(store) is None
    with lease(store, holder=Holder.here("bob")) as held:
        held.require()


def test_a_second_one_is_told_who_has_it_since_when_and_until_when(store: ModelStore) -> None:
    with lease(store, holder=Holder.here("ann's refresh")):
        found = current_lease(store)
        assert found is not None
        with pytest.raises(Leased) as refused, lease(store, holder=Holder.here("bob")):
            pass
    assert refused.value.transient
    assert refused.value.holder == "ann's refresh"
    assert str(refused.value) == (
        f"visits is being refreshed by ann's refresh since {found.taken_at:%Y-%m-%d %H:%M:%S} UTC, "
        f"and it is theirs until {found.until:%H:%M:%S} unless they go on: wait for its end"
    )


def test_one_of_the_same_id_shares_it(store: ModelStore) -> None:
    """Steps of one run in several processes: a step's end is not the end of the lease."""
    worker = Fingerprint.own()
    steps = [Holder.here("run 1", id="run 1", process=worker) for _ in range(2)]
    first, second = (Held.take(store, step) for step in steps)
    first.give_back(at_once=False)
    with pytest.raises(Leased), lease(store, holder=Holder.here("bob")):
        pass
    second.give_back()
    assert current_lease(store) is None


def test_one_who_waits_gets_it_when_it_is_given_back_and_hears_of_the_holder_once(
    store: ModelStore,
) -> None:
    held = Held.take(store, Holder.here("ann"))
    heard: list[str] = []

    def hear(sentence: str) -> None:
        heard.append(sentence)
        held.give_back()

    with lease(store, holder=Holder.here("bob"), patience=5, on_wait=hear):
        assert len(heard) == 1
        assert "ann" in heard[0]


def test_a_lease_that_nobody_renews_ends_and_can_be_lost_and_taken_again(store: ModelStore) -> None:
    held = Held.take(store, Holder.here("ann"), seconds=0.2)
    held.give_back(at_once=False)
    with pytest.raises(Leased), lease(store, holder=Holder.here("bob")):
        pass
    time.sleep(0.3)
    with lease(store, holder=Holder.here("bob")), pytest.raises(Leased, match="bob"):
        held.require()
    held.require()


def test_a_lease_is_renewed_while_it_is_held_and_few_files_are_kept(store: ModelStore) -> None:
    with lease(store, holder=Holder.here("ann"), seconds=0.3):
        end = time.monotonic() + 20
        while int(names(store)[-1][:8]) < 7 and time.monotonic() < end:
            time.sleep(0.05)
        assert int(names(store)[-1][:8]) >= 7
        assert len(names(store)) <= 5
    last = names(store)[-1]
    time.sleep(0.2)
    assert names(store)[-1] == last, "a lease that was given back is renewed no more"


def test_a_disk_that_fails_once_costs_no_lease(
    store: ModelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = OSError(errno.EIO, "Input/output error")
    with lease(store, holder=Holder.here("ann"), seconds=0.3):
        last = names(store)[-1]
        with monkeypatch.context() as patch:
            patch.setattr(leasing, "_numbers", Mock(side_effect=failing))
            time.sleep(0.3)
        wait_until(lambda: names(store)[-1] > last)


def test_a_lease_that_ended_unrenewed_is_taken_again_by_who_requires_it(store: ModelStore) -> None:
    held = Held.take(store, Holder.here("ann"), seconds=0.2)
    held.give_back(at_once=False)
    time.sleep(0.3)
    assert current_lease(store) is None
    held.require()
    found = current_lease(store)
    assert found is not None
    assert found.holder == held.holder


@pytest.mark.parametrize("jump", [-86_400, 86_400])
def test_a_clock_that_jumps_takes_it_from_nobody_on_this_machine(
    store: ModelStore, monkeypatch: pytest.MonkeyPatch, jump: float
) -> None:
    with lease(store, holder=Holder.here("ann")):
        moved = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=jump)
        monkeypatch.setattr(leasing, "utc_now", lambda: moved)
        with pytest.raises(Leased), lease(store, holder=Holder.here("bob")):
            pass


def test_of_a_process_elsewhere_only_the_clock_tells(store: ModelStore) -> None:
    """Another machine, or a container beside this one: its process numbers mean nothing here."""
    here = Holder.here("ann")
    elsewhere = here.model_copy(update={"place": "other pid:[1]", "process": "b:999999999:1"})
    Held.take(store, elsewhere, seconds=0.3).give_back(at_once=False)
    assert current_lease(store) is not None
    later = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=0.4)
    assert current_lease(store, later) is None


def test_a_damaged_line_holds_nobody(store: ModelStore) -> None:
    with lease(store, holder=Holder.here("ann")):
        newest = store.leases_folder / names(store)[-1]
        newest.write_text("{")
        assert current_lease(store) is None


def test_leases_are_no_history_to_verify(store: ModelStore) -> None:
    with lease(store, holder=Holder.here("ann")):
        assert list(verify(Store(store.root.parent), ["visits"])) == []


def hold_for_ever(root: Path, told: "Queue[str]") -> None:
    with lease(Store(root).model("visits"), holder=Holder.here("the killed one")):
        told.put("held")
        time.sleep(60)


def test_a_holder_that_is_killed_loses_it_at_once(store: ModelStore) -> None:
    told: Queue[str] = FORK.Queue()
    child = FORK.Process(target=hold_for_ever, args=(store.root.parent, told))
    child.start()
    assert told.get(timeout=20) == "held"
    with pytest.raises(Leased), lease(store, holder=Holder.here("bob")):
        pass
    assert child.pid is not None
    os.kill(child.pid, signal.SIGKILL)
    begun = time.monotonic()
    with lease(store, holder=Holder.here("bob"), patience=10):
        assert time.monotonic() - begun < 1.0
    child.join()


def take_turns(root: Path, told: "Queue[int]", number: int) -> None:
    """Hold, say so where two would be seen, leave; on the last turn die inside."""
    store = Store(root).model("visits")
    inside, turns = root / "inside", 0
    while turns < 6:
        try:
            with lease(store, holder=Holder.here(str(number)), seconds=5):
                inside.mkdir()  # raises where another is inside
                time.sleep(0.002)
                inside.rmdir()
                turns += 1
                if turns == 6:
                    told.put(number)
                    told.close()
                    told.join_thread()
                    os.kill(os.getpid(), signal.SIGKILL)
        except Leased:
            time.sleep(0.001)


def test_of_eight_processes_there_are_never_two_holders_and_their_deaths_stop_nobody(
    tmp_path: Path,
) -> None:
    told: Queue[int] = FORK.Queue()
    children = [
        FORK.Process(target=take_turns, args=(tmp_path, told, number)) for number in range(8)
    ]
    for child in children:
        child.start()
    for child in children:
        child.join(60)
    assert [child.exitcode for child in children] == [-signal.SIGKILL] * 8
    assert sorted(told.get(timeout=5) for _ in children) == list(range(8))


def test_whoever_stalls_between_looking_and_taking_gets_nothing(
    store: ModelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its number is free again by then, and lower than the newest: that makes it no holder."""
    publish = publish_file
    stalled: list[Callable[[], None]] = []

    def go_on() -> None:
        for turn in range(9):
            with lease(store, holder=Holder.here(f"turn {turn}")):
                pass
        Held.take(store, Holder.here("the present one"))

    def stalling(path: Path, content: bytes) -> bool:
        if stalled:
            stalled.pop()()
        return publish(path, content)

    monkeypatch.setattr("model_refresh.storage.leases.publish_file", stalling)
    stalled.append(go_on)
    with pytest.raises(Leased, match="the present one"), lease(store, holder=Holder.here("late")):
        pass
