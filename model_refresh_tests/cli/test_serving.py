"""`serve`: the champion over HTTP in a process of its own, followed while it is asked."""

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from model_refresh.algorithms.version import load_version
from model_refresh.storage.store import ROWS
from model_refresh_tests.cli.terminal import WHO, run
from model_refresh_tests.lab import Lab

_LONGEST = 60.0


@dataclass(frozen=True)
class Server:
    """A running `model-refresh serve`."""

    port: int
    process: subprocess.Popen[bytes]

    def ask(self, path: str, content: object = None) -> tuple[int, Any]:
        """Status and JSON of one request."""
        with contextlib.closing(self.connect()) as connection:
            return ask(connection, path, content)

    def connect(self) -> http.client.HTTPConnection:
        """A connection that stays open."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=_LONGEST)

    def wait_for(self, version: str) -> Any:
        """What /ready tells once this version answers."""
        ends = time.monotonic() + _LONGEST
        while time.monotonic() < ends:
            status, told = self.ask("/ready")
            if status == 200 and told["version"] == version:
                return told
            time.sleep(0.05)
        raise AssertionError(f"{version} never answered: {told}")

    def wait_for_shadow(self, row: object) -> Any:
        """The answer once a shadow, which is loaded after the champion, stands beside it."""
        ends = time.monotonic() + _LONGEST
        while time.monotonic() < ends:
            status, answer = self.ask("/score?shadow=true", row)
            assert status == 200
            if answer["shadow"] is not None:
                return answer
            time.sleep(0.05)
        raise AssertionError(f"no shadow ever answered: {answer}")


def ask(connection: http.client.HTTPConnection, path: str, content: object) -> tuple[int, Any]:
    """Status and JSON of the next request of a connection."""
    if content is None:
        connection.request("GET", path)
    else:
        body = json.dumps(content).encode()
        connection.request("POST", path, body, {"Content-Type": "application/json"})
    response = connection.getresponse()
    return response.status, json.loads(response.read())


@contextlib.contextmanager
def serving(lab: Lab, log: Path, *options: str) -> Iterator[Server]:
    """`model-refresh serve` of the lab's model, at a free port."""
    command = [sys.executable, "-m", "model_refresh", "serve", lab.model.name, "--port", "0"]
    environment = os.environ | {
        "MODEL_REFRESH_FLEET": str(lab.fleet),
        "MODEL_REFRESH_HOME": str(lab.home),
        "LOGNAME": WHO,
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, *options], stderr=output, stdout=output, env=environment
        )
    try:
        yield Server(_port(process, log), process)
    finally:
        process.kill()
        process.wait()


def test_the_champion_answers_as_its_batch_does_and_another_takes_over(
    lab: Lab, tmp_path: Path
) -> None:
    first, second = _champion(lab), _challenger(lab)
    expected = {name: _scores(lab, name) for name in (first, second)}
    rows = list(zip(*expected.values(), _rows(lab), strict=True))
    with serving(lab, tmp_path / "log", "--shadow") as server:
        server.wait_for(first)
        answer = server.wait_for_shadow(rows[0][2])
        assert answer["score"] == pytest.approx(rows[0][0], abs=1e-9)
        assert answer["shadow"] == {"version": second, "score": pytest.approx(rows[0][1], abs=1e-9)}

        with ThreadPoolExecutor(4) as clients:
            asking = [clients.submit(_bombard, server, rows, second) for _ in range(4)]
            done = run(lab, "promote", lab.model.name, second, "--force", "--reason", "a test")
            assert done.code == 0, done.err
            answered = [each.result() for each in asking]
        assert all(seen == {first, second} for seen in answered)

        back = run(lab, "rollback", lab.model.name, "--reason", "a test")
        assert back.code == 0, back.err
        server.wait_for(first)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(_LONGEST) == 0


def test_without_a_champion_it_waits_for_one(fresh: Lab, tmp_path: Path) -> None:
    with serving(fresh, tmp_path / "log") as server:
        assert server.ask("/health") == (200, {"status": "alive"})
        ends = time.monotonic() + _LONGEST
        while "no champion yet" not in (told := server.ask("/ready")[1]["detail"]):
            assert time.monotonic() < ends, told
            time.sleep(0.05)
        assert server.ask("/score", {})[0] == 503


def test_a_port_that_is_taken_is_one_clear_line(lab: Lab) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = run(lab, "serve", lab.model.name, "--port", str(taken.getsockname()[1]))
    assert ended.code == 1
    assert re.fullmatch(r"can't listen at 127\.0\.0\.1, port \d+ \(.+\): .+\n", ended.err)


def test_an_unknown_model_is_one_clear_line(lab: Lab) -> None:
    ended = run(lab, "serve", "nobody")
    assert ended.code == 1
    assert "nobody" in ended.last_line


def test_other_commands_do_not_load_what_serves() -> None:
    code = "import sys, model_refresh.cli; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    loaded = set(done.stdout.split())
    assert "model_refresh.cli.serving" in loaded
    served = ("model_refresh.serving.live", "model_refresh.scorer.http.served", "uvicorn")
    assert not loaded.intersection(served)


def _bombard(
    server: Server, rows: list[tuple[float, float, dict[str, Any]]], until: str
) -> set[str]:
    """Ask without a pause until this version answers, and some more; who answered.

    Each answer is right of the version that it names, and there is one to each request.
    """
    seen = set[str]()
    versions: list[str] = []
    with contextlib.closing(server.connect()) as connection:
        ends = time.monotonic() + _LONGEST
        while versions[-50:] != [until] * 50:
            assert time.monotonic() < ends
            one, other, row = rows[len(versions) % len(rows)]
            status, answer = ask(connection, "/score", row)
            assert status == 200, answer
            versions.append(answer["version"])
            expected = other if answer["version"] == until else one
            assert answer["score"] == pytest.approx(expected, abs=1e-9)
            seen.add(answer["version"])
    return seen


def _champion(lab: Lab) -> str:
    newest = lab.store.champion.last()
    assert newest is not None
    return newest.record.version


def _challenger(lab: Lab) -> str:
    compared = lab.store.comparisons(lab.day(11)).last()
    assert compared is not None
    assert compared.record.trial is not None
    return compared.record.trial


def _frame(lab: Lab) -> pl.DataFrame:
    log = lab.store.frames(lab.model.definition.frame.digest(), lab.day(10))
    line = log.last()
    assert line is not None
    return pl.read_parquet(lab.store.content(log, line.record.content).file(ROWS)).head(50)


def _scores(lab: Lab, version: str) -> list[float]:
    scores: list[float] = load_version(lab.store, version).predict(_frame(lab)).tolist()
    return scores


def _rows(lab: Lab) -> list[dict[str, Any]]:
    version = load_version(lab.store, _champion(lab))
    names = [column.name for column in version.recipe.features]
    return _frame(lab).select(names).to_dicts()


def _port(process: subprocess.Popen[bytes], log: Path) -> int:
    ends = time.monotonic() + _LONGEST
    while time.monotonic() < ends and process.poll() is None:
        if found := re.search(r"at http://127\.0\.0\.1:(\d+)\n", log.read_text()):
            return int(found[1])
        time.sleep(0.05)
    raise AssertionError(f"serve did not start: {log.read_text()}")
