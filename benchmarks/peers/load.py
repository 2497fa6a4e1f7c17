"""Load on an HTTP server: so many connections, each sends its next request when it has its answer.

By `wrk` where it is installed (Debian has it), which is compiled; else by the loop below, one
process that waits for all sockets at once. `busy` says how much of a core it took: near 1 it, and
not the server, sets the pace.
"""

import re
import select
import shutil
import socket
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

HOST = "127.0.0.1"
_HEAD_ENDS = b"\r\n\r\n"
_UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


@dataclass(frozen=True)
class Load:
    """What a server bore: answers a second, their latency in milliseconds, and who asked."""

    per_second: float
    p50: float
    p99: float
    failed: int
    busy: float
    by: str


def bear(
    port: int, path: str, bodies: Sequence[bytes], *, seconds: float, connections: int
) -> Load:
    """Ask for `seconds`, after a second that isn't counted; the bodies take turns."""
    _own(port, path, bodies, seconds=1.0, connections=connections)
    ask = _wrk if shutil.which("wrk") else _own
    return ask(port, path, bodies, seconds=seconds, connections=connections)


def _own(
    port: int, path: str, bodies: Sequence[bytes], *, seconds: float, connections: int
) -> Load:
    requests = [_request(path, body) for body in bodies]
    sockets = [socket.create_connection((HOST, port)) for _ in range(connections)]
    poll, by_place = select.epoll(), {each.fileno(): each for each in sockets}
    sent: dict[int, float] = {}
    taken: list[float] = []
    failed, asked, started, cpu = 0, 0, time.perf_counter(), time.process_time()
    for place, each in by_place.items():
        each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        poll.register(each, select.EPOLLIN)
        sent[place] = time.perf_counter()
        each.sendall(requests[asked % len(requests)])
        asked += 1
    while (now := time.perf_counter()) - started < seconds:
        for place, _ in poll.poll(1.0):
            answer = _answer(by_place[place])
            now = time.perf_counter()
            taken.append(now - sent[place])
            failed += not answer.startswith(b"HTTP/1.1 200")
            sent[place] = now
            by_place[place].sendall(requests[asked % len(requests)])
            asked += 1
    wall, busy = now - started, time.process_time() - cpu
    for each in sockets:
        each.close()
    cuts = statistics.quantiles(taken, n=100)
    return Load(
        len(taken) / wall, 1000 * cuts[49], 1000 * cuts[98], failed, busy / wall, "own client"
    )


def _answer(connection: socket.socket) -> bytes:
    """One whole answer."""
    data = connection.recv(65_536)
    while True:
        head, ends, body = data.partition(_HEAD_ENDS)
        if ends:
            length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
            if length is not None and len(body) >= int(length[1]):
                return data
        more = connection.recv(65_536)
        if not more:
            raise ConnectionError("the server closed the connection")
        data += more


def _request(path: str, body: bytes) -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _wrk(
    port: int, path: str, bodies: Sequence[bytes], *, seconds: float, connections: int
) -> Load:
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "bodies.lua"
        script.write_text(_script(bodies), encoding="utf-8")
        url = f"http://{HOST}:{port}{path}"
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:.0f}s", "--latency", "-s"]
        before = time.process_time()
        done = subprocess.run([*command, script, url], capture_output=True, text=True, check=True)
    said = done.stdout
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    return Load(
        float(re.search(r"Requests/sec:\s+([\d.]+)", said)[1]),  # type: ignore[index]
        _milliseconds(said, "50%"),
        _milliseconds(said, "99%"),
        int(failed[1]) if failed else 0,
        time.process_time() - before,
        "wrk",
    )


def _script(bodies: Sequence[bytes]) -> str:
    """Lua that sends the bodies in turn."""
    listed = ",\n".join(f"[=====[{body.decode()}]=====]" for body in bodies)
    return f"""
local bodies = {{
{listed}
}}
local place = 0
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
request = function()
  place = place % #bodies + 1
  return wrk.format(nil, nil, nil, bodies[place])
end
"""


def _milliseconds(said: str, share: str) -> float:
    found = re.search(rf"{share}\s+([\d.]+)(us|ms|s)", said)
    if found is None:
        raise ValueError(f"wrk did not say its {share}: {said}")
    return float(found[1]) * _UNITS[found[2]]
