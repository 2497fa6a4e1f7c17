"""A scorer in a process of its own, as it runs in production, and sockets to talk to it."""

import contextlib
import hashlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from model_refresh.scorer.formula.formula import Formula
from model_refresh.scorer.golden import Golden
from model_refresh.scorer.http.settings import Settings
from model_refresh.scorer.manifest import MANIFEST, Manifest
from model_refresh.serving.folder.runtime import copied_files
from model_refresh_tests.scorer.client import Reply
from model_refresh_tests.scorer.factories import make_formula, make_golden

_HOST = "127.0.0.1"
_LONGEST = 30.0


@dataclass(frozen=True)
class Process:
    """A running scorer; `log` is what it wrote so far."""

    port: int
    process: subprocess.Popen[bytes]
    log_file: Path

    @property
    def log(self) -> str:
        """What it wrote."""
        return self.log_file.read_text()

    def connect(self) -> socket.socket:
        """A connection, whose every wait ends."""
        return socket.create_connection((_HOST, self.port), timeout=_LONGEST)

    def talk(self, *parts: bytes, pause: float = 0.0) -> bytes:
        """Send these bytes, and read until the other side closes, or has answered and rests."""
        with self.connect() as connection:
            for part in parts:
                connection.sendall(part)
                time.sleep(pause)
            return read_all(connection)

    def end(self) -> int:
        """Tell it to end; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(_LONGEST)


def write_folder(
    folder: Path,
    *,
    formula: Formula | None = None,
    golden: Golden | None = None,
    settings: Settings | None = None,
) -> Path:
    """A folder that `python -m scorer` serves: its data, and the program."""
    formula = formula or make_formula()
    program = {name: data for name, data in copied_files().items() if name.startswith("scorer/")}
    files = program | {
        "formula.json": formula.encode(),
        "golden.json": (golden or make_golden(formula)).encode(),
        "settings.json": msgspec.json.encode(settings or Settings()),
    }
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    (folder / MANIFEST).write_bytes(msgspec.json.encode(Manifest(digests)))
    return folder


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Process]:
    """The scorer of a folder, until the end of the block."""
    log = folder.with_suffix(".log")
    command = [sys.executable, "-m", "model_refresh.scorer", "--folder", str(folder), "--port", "0"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, env=dict(os.environ)
        )
    try:
        yield Process(_port(process, log), process, log)
    finally:
        process.kill()
        process.wait()


def request(
    body: bytes,
    *headers: str,
    method: str = "POST",
    path: str = "/score",
    media: str = "application/json",
) -> bytes:
    """A request as bytes."""
    lines = [f"{method} {path} HTTP/1.1", "Host: x", f"Content-Type: {media}", *headers]
    if not any(each.lower().startswith(("content-length", "transfer")) for each in headers):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def replies(data: bytes) -> list[Reply]:
    """The answers in what a connection gave, each whole."""
    found = []
    while data:
        head, _, rest = data.partition(b"\r\n\r\n")
        status, *lines = head.decode("latin-1").split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines)
        length = int(headers.get("content-length", "0"))
        assert len(rest) >= length, f"an answer was cut: {data!r}"
        found.append(Reply(int(status.split(" ")[1]), headers, rest[:length]))
        data = rest[length:]
    return found


def read_all(connection: socket.socket, *, rest: float = 0.5) -> bytes:
    """All that comes until the other side closes, or is silent for `rest` s after something."""
    data = b""
    with contextlib.suppress(TimeoutError, ConnectionResetError):
        while part := connection.recv(65_536):
            data += part
            connection.settimeout(rest)
    return data


def _port(process: subprocess.Popen[bytes], log: Path) -> int:
    ends = time.monotonic() + _LONGEST
    while time.monotonic() < ends:
        if found := re.search(r"at http://127\.0\.0\.1:(\d+)\n", log.read_text()):
            return int(found[1])
        if process.poll() is not None:
            break
        time.sleep(0.02)
    raise AssertionError(f"the scorer did not start: {log.read_text()}")
