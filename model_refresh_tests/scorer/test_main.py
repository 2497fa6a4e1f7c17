"""`python -m scorer` as it starts: it serves what was tested, or says why it doesn't."""

import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from model_refresh.scorer.__main__ import load
from model_refresh.scorer.manifest import MANIFEST, Damaged, Manifest, verify_folder
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


@pytest.mark.parametrize(
    "name", ["formula.json", "golden.json", "settings.json", "scorer/__main__.py", None]
)
def test_a_manifest_that_leaves_out_what_is_served_is_refused(
    tmp_path: Path, name: str | None
) -> None:
    folder = write_folder(tmp_path)
    listed = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest).files
    kept = {each: digest for each, digest in listed.items() if name is not None and each != name}
    (folder / MANIFEST).write_bytes(msgspec.json.encode(Manifest(kept)))
    with pytest.raises(Damaged, match=f"doesn't list {name or 'formula.json'}"):
        verify_folder(folder)


@pytest.mark.parametrize("name", ["scorer/added.py", "scorer/http/added.so", "scorer/formula.py"])
def test_a_file_that_was_added_to_the_program_is_refused(tmp_path: Path, name: str) -> None:
    folder = write_folder(tmp_path)
    (folder / name).write_bytes(b"")
    with pytest.raises(Damaged, match=f"{name} is no file of the scorer"):
        verify_folder(folder)


def test_a_folder_that_is_linked_into_the_program_is_refused(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "folder")
    (folder / "scorer" / "added").symlink_to(tmp_path)
    with pytest.raises(Damaged, match="scorer/added is no file"):
        verify_folder(folder)


def test_what_python_keeps_beside_its_modules_is_no_change(tmp_path: Path) -> None:
    folder = write_folder(tmp_path)
    (folder / "scorer" / "__pycache__").mkdir()
    (folder / "scorer" / "__pycache__" / "golden.cpython-311.pyc").write_bytes(b"")
    assert verify_folder(folder)["scorer/golden.py"]


def test_the_bytes_that_were_verified_are_those_that_are_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever swaps a file in between swaps it in vain: none is read twice."""
    folder, read = write_folder(tmp_path), Path.read_bytes
    names: list[str] = []

    def counted(path: Path) -> bytes:
        names.append(path.relative_to(folder).as_posix())
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", counted)
    serving, _ = load(folder)
    assert serving.now is not None
    assert {"formula.json", "golden.json", "settings.json"} <= set(names)
    assert len(names) == len(set(names))


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


@pytest.mark.parametrize("number", ["SIGTERM", "SIGINT"])
def test_a_signal_before_the_server_listens_to_signals_ends_it(number: str) -> None:
    code = f"""
import os, signal, uvicorn
from model_refresh.scorer.http.app import make_app
from model_refresh.scorer.http.served import Serving
from model_refresh.scorer.http.server import bind, run
from model_refresh.scorer.http.settings import Settings

serve = uvicorn.Server.run

def early(server, sockets):
    os.kill(os.getpid(), signal.{number})
    serve(server, sockets)

uvicorn.Server.run = early
run(make_app(Serving(), Settings()), bind("127.0.0.1", 0), Settings())
"""
    assert subprocess.run([sys.executable, "-c", code], timeout=20, check=False).returncode == 0


def _get(scorer: Process, path: str) -> Reply:
    head = f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    (reply,) = replies(scorer.talk(head.encode()))
    return reply


def _post(scorer: Process) -> Reply:
    (reply,) = replies(scorer.talk(request(GOOD, "Connection: close")))
    return reply
