"""A process is told from every other, now and later."""

import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from model_refresh.processes import Fingerprint


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True
    )
    yield process
    process.kill()
    process.wait()


def test_a_running_process_is_alive_and_its_text_tells_it_again(
    sleeper: subprocess.Popen[bytes],
) -> None:
    found = _found(sleeper)
    assert found.is_alive
    assert Fingerprint.parse(found.text) == found


def test_a_killed_one_is_dead_even_before_its_parent_looks(
    sleeper: subprocess.Popen[bytes],
) -> None:
    found = _found(sleeper)
    sleeper.kill()
    while found.is_alive:
        pass
    assert Fingerprint.of(sleeper.pid) is None  # a zombie until it is waited for


def test_another_process_with_its_number_is_not_taken_for_it(
    sleeper: subprocess.Popen[bytes],
) -> None:
    found = _found(sleeper)
    assert not Fingerprint(found.boot, found.pid, str(int(found.start) - 1)).is_alive


def test_a_process_of_another_boot_is_neither_alive_nor_killed(
    sleeper: subprocess.Popen[bytes],
) -> None:
    other = Fingerprint("another-boot", sleeper.pid, _found(sleeper).start)
    assert not other.is_alive and not other.is_here
    assert other.kill_group() is False
    assert _found(sleeper).is_alive


def test_killing_the_group_ends_its_leader_and_says_so(sleeper: subprocess.Popen[bytes]) -> None:
    found = _found(sleeper)
    assert found.kill_group(signal.SIGKILL) is True
    sleeper.wait(timeout=10)
    assert found.kill_group() is False


@pytest.mark.parametrize("text", ["", "boot", "boot:", "boot:x:1", ":1:1", "boot:-1:1"])
def test_what_is_no_fingerprint_is_none(text: str) -> None:
    assert Fingerprint.parse(text) is None


def _found(process: subprocess.Popen[bytes]) -> Fingerprint:
    found = Fingerprint.of(process.pid)
    assert found is not None
    return found
