"""Servers of the same model, each started in a process of its own, and asked one row at a time."""

import contextlib
import json
import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_LONGEST = 120.0


@dataclass(frozen=True)
class Server:
    """One that is measured: how it is started at a port, and what it is asked."""

    name: str
    command: Callable[[int], Sequence[str | Path]]
    environment: Mapping[str, str]
    path: str
    bodies: Sequence[bytes]
    score: Callable[[Any], float]


@contextlib.contextmanager
def running(server: Server) -> Iterator[tuple[int, int]]:
    """Port and process group of a server that answers, until the end of the block."""
    port = _free_port()
    process = subprocess.Popen(
        server.command(port),
        env=server.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait_for(server, port, process)
        yield port, process.pid
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, 9)  # its workers too
        process.wait()


def cpu_seconds(group: int) -> float:
    """What the processes of a group have used so far, user and system."""
    ticks = 0
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, IndexError):
            fields = (entry / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12]) if int(fields[2]) == group else 0
    return ticks / os.sysconf("SC_CLK_TCK")


def require_same(server: Server, port: int, expected: Sequence[float]) -> None:
    """Raise SystemExit unless it gives the batch's scores, so that all do the same work."""
    found = [server.score(_asked(port, server, body)) for body in server.bodies]
    furthest = max(abs(a - b) for a, b in zip(found, expected, strict=True))
    print(f"{server.name}: {len(found)} rows, at most {furthest:.2g} from the batch's scores")
    if not furthest <= 1e-9:
        raise SystemExit(f"{server.name} serves another model")


def _asked(port: int, server: Server, body: bytes) -> object:
    url, headers = f"http://127.0.0.1:{port}{server.path}", {"Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=30) as answer:
        told: object = json.load(answer)
    return told


def _wait_for(server: Server, port: int, process: subprocess.Popen[bytes]) -> None:
    ends = time.monotonic() + _LONGEST
    while time.monotonic() < ends and process.poll() is None:
        try:
            _asked(port, server, server.bodies[0])
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise SystemExit(f"{server.name} did not start: {process.poll()}")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])
