import gc
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from model_refresh.errors import FitError, StoreWriteError
from model_refresh.isolation import run_isolated
from model_refresh.messages import open_mailbox
from model_refresh.records import Cost

_ROOT = Path(__file__).parents[1]


def _run(
    folder: Path,
    module: str,
    text: str,
    *,
    seconds: float = 30.0,
    memory_mib: int = 400,
    on_message: Callable[[str], None] | None = None,
) -> Cost:
    job = folder / "job"
    job.write_text(text)
    return run_isolated(
        f"model_refresh_tests.isolated.{module}",
        job,
        deadline_seconds=seconds,
        memory_mib=memory_mib,
        on_message=on_message,
    )


def _wait_until(claim: Callable[[], bool]) -> bool:
    end = time.monotonic() + 15
    while not claim() and time.monotonic() < end:
        time.sleep(0.02)
    return claim()


def _is_gone(pid: int) -> bool:
    """Whether a process has ended; one that nobody has collected yet (a zombie) has."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state in {"Z", "X"}


def test_a_child_that_ends_well_leaves_its_result_and_its_cost(tmp_path: Path) -> None:
    cost = _run(tmp_path, "done", "as told")
    assert (tmp_path / "result").read_text() == "as told"
    assert 0 < cost.cpu_seconds < 60
    assert cost.seconds > 0


def test_the_peak_is_the_childs_own_and_not_its_parents(tmp_path: Path) -> None:
    ballast = b"x" * 300_000_000
    assert 1 < _run(tmp_path, "done", "").peak_mib < 250
    del ballast


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("refuses", "all 7 labels are 1: nothing can be told apart"),
        ("breaks", "ZeroDivisionError: seven by nothing"),
        ("silent", "ended with status 3 and said nothing"),
        ("talks", "about nothing"),
        ("SIGSEGV", "died of SIGSEGV"),
        ("SIGABRT", "died of SIGABRT"),
        ("SIGKILL", "died of SIGKILL: another process killed it, or the system ran out of memory"),
    ],
)
def test_a_child_that_fails_says_why_in_one_sentence(
    tmp_path: Path, text: str, sentence: str
) -> None:
    with pytest.raises(FitError) as caught:
        _run(tmp_path, "failing", text)
    assert str(caught.value) == sentence


def test_a_disk_that_refuses_what_a_child_writes_is_no_failure_of_its_fit(tmp_path: Path) -> None:
    with pytest.raises(StoreWriteError) as caught:
        _run(tmp_path, "failing", "full disk")
    assert str(caught.value) == "could not write the model: No space left on device"
    assert caught.value.transient


@pytest.mark.parametrize("text", ["python", "numpy", "polars"])
def test_a_child_that_takes_too_much_memory_fails_with_its_cap_and_peak(
    tmp_path: Path, text: str
) -> None:
    with pytest.raises(
        FitError, match=r"ran out of its memory cap of 400 MiB \(peak \d{3} MiB\)"
    ) as caught:
        _run(tmp_path, "greedy", text)
    peak = int(str(caught.value).split("peak ")[1].split()[0])
    assert 200 < peak < 400 + 32 * (os.cpu_count() or 1) + 50


@pytest.mark.parametrize("text", ["plain", "deaf", "loud", "spawns"])
def test_a_child_past_its_deadline_is_stopped_with_all_that_it_started(
    tmp_path: Path, text: str
) -> None:
    with pytest.raises(FitError, match=r"^stopped at its deadline of 2 s$"):
        _run(tmp_path, "endless", text, seconds=2.0)
    left = [int((tmp_path / n).read_text()) for n in ("pid", "spawned") if (tmp_path / n).exists()]
    assert left or text == "loud"
    assert _wait_until(lambda: all(map(_is_gone, left)))


def test_a_child_that_hangs_near_its_memory_cap_is_said_to(tmp_path: Path) -> None:
    with pytest.raises(
        FitError, match=r"deadline of 3 s, at 3\d\d MiB with a memory cap of 400 MiB"
    ):
        _run(tmp_path, "greedy", "hang", seconds=3.0)


def test_a_child_that_ends_well_leaves_nothing_running(tmp_path: Path) -> None:
    _run(tmp_path, "endless", "leaves")
    spawned = int((tmp_path / "spawned").read_text())
    assert _wait_until(lambda: _is_gone(spawned))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux kills a dead parent's child")
def test_a_child_dies_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    (tmp_path / "job").write_text("deaf")
    parent = subprocess.Popen(
        [sys.executable, "-m", "model_refresh_tests.isolated.starter", str(tmp_path / "job")],
        cwd=_ROOT,
    )
    pid = tmp_path / "pid"
    assert _wait_until(lambda: pid.exists() and pid.read_text() != "")
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    assert _wait_until(lambda: _is_gone(int(pid.read_text())))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux kills a dead parent's child")
def test_a_child_whose_parent_died_before_it_began_does_nothing(tmp_path: Path) -> None:
    job = tmp_path / "job"
    job.write_text("too late")
    other_parent = str(os.getppid())
    orders, theirs = socket.socketpair()
    with orders, theirs, open_mailbox() as mailbox:
        orders.sendall(json.dumps(str(job)).encode() + b"\n")
        orders.shutdown(socket.SHUT_WR)
        pipes = (mailbox.writing, theirs.fileno())
        command = [sys.executable, "-m", "model_refresh_tests.isolated.done", "400", other_parent]
        child = subprocess.run([*command, *map(str, pipes)], cwd=_ROOT, check=False, pass_fds=pipes)
    assert child.returncode == -signal.SIGKILL
    assert not (tmp_path / "result").exists()


def test_a_planted_module_in_the_working_folder_is_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "numpy.py").write_text("open('canary', 'w')")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FitError, match="memory cap"):
        _run(tmp_path, "greedy", "python")
    assert not (tmp_path / "canary").exists()


def test_an_interrupted_parent_leaves_no_child(tmp_path: Path) -> None:
    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 1.5)
    try:
        with pytest.raises(KeyboardInterrupt):
            _run(tmp_path, "endless", "plain")
    finally:
        signal.signal(signal.SIGALRM, previous)
    assert _wait_until(lambda: _is_gone(int((tmp_path / "pid").read_text())))


def test_a_child_tells_how_it_goes_and_all_of_it_is_heard_by_its_end(tmp_path: Path) -> None:
    heard: list[str] = []
    _run(tmp_path, "talking", "thrice", on_message=heard.append)
    assert heard == ["one", "zwölf", "three"]


def test_a_message_is_heard_while_the_child_works(tmp_path: Path) -> None:
    def answer(message: str) -> None:
        (tmp_path / "answer").write_text(message)

    _run(tmp_path, "talking", "waits", on_message=answer)
    assert (tmp_path / "answer").read_text() == "here I am"


@pytest.mark.parametrize("text", ["thrice", "flood", "garbage", "endless line"])
def test_a_child_to_whom_nobody_listens_ends_all_the_same(tmp_path: Path, text: str) -> None:
    assert _run(tmp_path, "talking", text).seconds < 30
    assert (tmp_path / "result").exists()


def test_a_parent_that_is_slow_to_listen_does_not_keep_the_child(tmp_path: Path) -> None:
    heard: list[bool] = []

    def listen(message: str) -> None:
        if not heard:
            heard.append(_wait_until((tmp_path / "result").exists))

    _run(tmp_path, "talking", "flood", on_message=listen)
    assert heard == [True], "the child had ended while its first message was being heard"


@pytest.mark.parametrize("text", ["flood", "garbage", "endless line"])
def test_whatever_a_child_writes_its_parent_holds_little_of_it(tmp_path: Path, text: str) -> None:
    heard = 0

    def count(message: str) -> None:
        nonlocal heard
        heard += 1
        assert len(message) < 4096

    tracemalloc.start()
    try:
        _run(tmp_path, "talking", text, on_message=count)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4_000_000
    assert heard <= 100_000
    assert (heard > 0) == (text != "endless line")
    assert (tmp_path / "result").exists()


def test_garbage_does_not_hide_what_is_said_after_it(tmp_path: Path) -> None:
    heard: list[str] = []
    _run(tmp_path, "talking", "garbage", on_message=heard.append)
    assert heard[-1] == "after all that"


def test_a_listener_that_fails_ends_the_child(tmp_path: Path) -> None:
    def fail(message: str) -> None:
        raise ZeroDivisionError(message)

    with pytest.raises(ZeroDivisionError, match="here to stay"):
        _run(tmp_path, "talking", "stays", on_message=fail)
    assert _wait_until(lambda: _is_gone(int((tmp_path / "pid").read_text())))


def test_a_child_past_its_deadline_was_heard_until_then(tmp_path: Path) -> None:
    heard: list[str] = []
    with pytest.raises(FitError, match=r"^stopped at its deadline of 2 s$"):
        _run(tmp_path, "talking", "stays", seconds=2.0, on_message=heard.append)
    assert heard == ["here to stay"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lists a process's descriptors")
def test_descriptors_are_given_back(tmp_path: Path) -> None:
    _run(tmp_path, "done", "")
    before = list(Path("/proc/self/fd").iterdir())
    _run(tmp_path, "talking", "thrice", on_message=lambda message: None)
    assert list(Path("/proc/self/fd").iterdir()) == before


def _kept(folder: Path, text: str = "pid", *, memory_mib: int = 400) -> int:
    """The process that did a job, and that may be kept for the next."""
    _run(folder, "kept", text, memory_mib=memory_mib)
    return int((folder / "result").read_text())


def test_a_child_is_kept_for_the_next_job_of_its_thread(tmp_path: Path) -> None:
    first = _kept(tmp_path)
    assert not _is_gone(first)
    assert _kept(tmp_path) == first
    _run(tmp_path, "done", "")
    assert _kept(tmp_path) == first, "another module's child is another"


def test_each_job_of_a_kept_child_has_its_own_cost_and_messages(tmp_path: Path) -> None:
    heard: list[str] = []
    costs = [
        _run(tmp_path, "kept", text, on_message=heard.append, memory_mib=2000)
        for text in ("pid", "works", "pid", "takes")
    ]
    assert heard == ["pid", "works", "pid", "takes"]
    assert costs[1].cpu_seconds > 0.3 > costs[2].cpu_seconds
    assert costs[1].seconds > 0.3 > costs[2].seconds
    assert costs[3].peak_mib > costs[2].peak_mib + 100


def test_the_peak_of_a_job_is_not_that_of_the_job_before(tmp_path: Path) -> None:
    high = _run(tmp_path, "kept", "takes", memory_mib=2000)
    low = _run(tmp_path, "kept", "pid", memory_mib=2000)
    assert low.peak_mib < high.peak_mib - 100


@pytest.mark.parametrize("text", ["leaks", "leaves", "fails"])
def test_a_child_that_is_not_as_good_as_new_is_not_kept(tmp_path: Path, text: str) -> None:
    if text == "fails":
        with pytest.raises(FitError, match="as told"):
            _kept(tmp_path, text)
        first = int((tmp_path / "result").read_text())
    else:
        first = _kept(tmp_path, text)
    assert _wait_until(lambda: _is_gone(first))
    assert _kept(tmp_path) != first


@pytest.mark.parametrize("text", ["needs much", "crashes once"])
def test_no_job_fails_for_what_the_one_before_it_left(tmp_path: Path, text: str) -> None:
    first = _kept(tmp_path, "leaks a little")
    assert _kept(tmp_path, text) != first


def test_a_job_that_dies_in_a_new_child_too_has_failed(tmp_path: Path) -> None:
    _kept(tmp_path)
    with pytest.raises(FitError, match=r"memory cap of 400 MiB \(peak \d+ MiB\)"):
        _kept(tmp_path, "needs too much")


def test_a_failure_of_a_kept_child_is_told_without_what_it_wrote_before(tmp_path: Path) -> None:
    first = _kept(tmp_path, "writes")
    with pytest.raises(FitError, match=r"^ended with status 3 and said nothing$"):
        _kept(tmp_path, "silent")
    assert int((tmp_path / "result").read_text()) == first


def test_a_kept_child_past_its_deadline_is_stopped(tmp_path: Path) -> None:
    first = _kept(tmp_path)
    with pytest.raises(FitError, match=r"^stopped at its deadline of 1 s$"):
        _run(tmp_path, "kept", "hangs", seconds=1.0)
    assert _is_gone(first)


def test_a_kept_child_that_was_killed_while_it_waited_is_replaced(tmp_path: Path) -> None:
    first = _kept(tmp_path)
    os.kill(first, signal.SIGKILL)
    assert _wait_until(lambda: _is_gone(first))
    assert _kept(tmp_path) != first


def test_a_kept_child_has_the_environment_of_the_job_that_it_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = _kept(tmp_path)
    monkeypatch.setenv("SOMETHING", "else")
    second = _kept(tmp_path)
    assert second != first
    assert _kept(tmp_path, memory_mib=401) not in {first, second}
    assert _is_gone(first)
    assert _is_gone(second)


def test_a_kept_child_ends_with_its_thread(tmp_path: Path) -> None:
    pids: list[int] = []
    thread = threading.Thread(target=lambda: pids.append(_kept(tmp_path)))
    thread.start()
    thread.join()
    gc.collect()
    assert pids
    assert _wait_until(lambda: _is_gone(pids[0]))
    assert _kept(tmp_path) != pids[0]


def _run_script(script: str) -> subprocess.CompletedProcess[str]:
    command, environment = [sys.executable, "-c", script], os.environ | {"PYTHONPATH": str(_ROOT)}
    return subprocess.run(
        command, cwd=_ROOT, env=environment, check=False, capture_output=True, text=True
    )


@pytest.mark.parametrize("last", ["pass", "raise ZeroDivisionError", "import os; os._exit(0)"])
def test_a_kept_child_ends_with_its_parent(tmp_path: Path, last: str) -> None:
    script = f"""
from pathlib import Path
from model_refresh_tests.test_isolation import _kept
_kept(Path({str(tmp_path)!r}))
{last}
"""
    _run_script(script)
    assert _wait_until(lambda: _is_gone(int((tmp_path / "result").read_text())))


def test_a_fork_of_the_parent_leaves_the_kept_child_alone(tmp_path: Path) -> None:
    script = f"""
import os, sys
from pathlib import Path
from model_refresh_tests.test_isolation import _kept
first = _kept(Path({str(tmp_path)!r}))
if (pid := os.fork()) == 0:
    sys.exit(_kept(Path({str(tmp_path)!r})) == first)
assert os.waitpid(pid, 0)[1] == 0, "a fork used its parent's child"
assert _kept(Path({str(tmp_path)!r})) == first, "a fork ended its parent's child"
"""
    done = _run_script(script)
    assert done.returncode == 0, done.stderr
