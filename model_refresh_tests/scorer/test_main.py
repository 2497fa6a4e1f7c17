"""`python -m scorer` as it starts: it serves what was tested, or says why it doesn't."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from model_refresh.scorer.manifest import MANIFEST
from model_refresh_tests.scorer.client import Reply
from model_refresh_tests.scorer.factories import ROW, chance, make_formula, make_golden
from model_refresh_tests.scorer.process import (
    Process,
    replies,
    request,
    running,
    write_folder,
)

GOOD = json.dumps(ROW).encode()


def test_a_folder_is_served_as_it_was_tested(tmp_path: Path) -> None:
    with running(write_folder(tmp_path / "folder")) as scorer:
        assert _get(scorer, "/ready").json["golden_rows"] == 3
        assert _post(scorer).json["score"] == chance(make_formula(), ROW)
        assert scorer.end() == 0


@pytest.mark.parametrize("off", [1e-6, -0.5])
def test_other_answers_than_a_batch_gave_are_not_served_and_the_process_says_why(
    tmp_path: Path, off: float
) -> None:
    golden = make_golden(make_formula(), off=off)
    with running(write_folder(tmp_path / "folder", golden=golden)) as scorer:
        assert _get(scorer, "/health").status == 200
        for reply in (_get(scorer, "/ready"), _get(scorer, "/model"), _post(scorer)):
            assert reply.status == 503
            assert "1 of 3 golden rows otherwise than its batch did" in reply.json["detail"]
        assert "not ready" in scorer.log


@pytest.mark.parametrize("name", ["formula.json", "golden.json", "settings.json", MANIFEST])
@pytest.mark.parametrize("damage", ["edited", "cut", "gone", "a folder"])
def test_a_file_that_is_not_the_tested_one_ends_the_start_with_one_line(
    tmp_path: Path, name: str, damage: str
) -> None:
    path = write_folder(tmp_path / "folder") / name
    data = path.read_bytes()
    path.unlink()
    if damage == "a folder":
        path.mkdir()
    elif damage != "gone":
        path.write_bytes(data.replace(b"e", b"f", 1) if damage == "edited" else data[:-2])
    command = [sys.executable, "-m", "model_refresh.scorer", "--folder", str(path.parent)]
    done = subprocess.run(
        [*command, "--port", "0"], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 1
    assert name in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_port_that_is_taken_ends_the_start_with_one_line(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "folder")
    with running(folder) as scorer:
        command = [sys.executable, "-m", "model_refresh.scorer", "--folder", str(folder)]
        done = subprocess.run(
            [*command, "--port", str(scorer.port)],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert done.returncode == 1
    assert "in use" in done.stderr
    assert done.stderr.count("\n") == 1


def _get(scorer: Process, path: str) -> Reply:
    head = f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    (reply,) = replies(scorer.talk(head.encode()))
    return reply


def _post(scorer: Process) -> Reply:
    (reply,) = replies(scorer.talk(request(GOOD, "Connection: close")))
    return reply
