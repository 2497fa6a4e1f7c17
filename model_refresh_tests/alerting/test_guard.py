"""A process whose guard is armed contacts what is allowed, and nothing else, by any way."""

import subprocess
import sys

from model_refresh_tests.alerting.servers import http_server

ARMED = """
import os, socket, subprocess, urllib.request
from model_refresh.alerting.allowed import parse_allowed
from model_refresh.alerting.guard import Guard
guard = Guard()
guard.arm()
guard.only([parse_allowed("json://localhost:{port}")])
for attempt in {attempts}:
    guard.refused = None
    try:
        exec(attempt)
    except OSError as error:
        print(type(error).__name__, guard.refused)
    else:
        print("done", guard.refused)
"""

ATTEMPTS = {
    "subprocess.run(['true'])": "another program (subprocess.Popen)",
    "os.system('true')": "another program (os.system)",
    "os.fork()": "another program (os.fork)",
    "socket.socket(socket.AF_UNIX).connect('/dev/log')": "a socket of this machine",
    "socket.create_connection(('10.0.0.1', 80))": "10.0.0.1:80",
    "socket.socket().connect(('10.0.0.1', 80))": "10.0.0.1:80",
    "socket.socket().connect_ex(('10.0.0.1', 80))": "10.0.0.1:80",
    "socket.socket(type=socket.SOCK_DGRAM).sendto(b'', ('10.0.0.1', 514))": "10.0.0.1:514",
    "socket.getaddrinfo('evil.example', 80)": "evil.example:80",
    "socket.getaddrinfo(host='evil.example', port=80)": "evil.example:80",
    "socket.gethostbyname('evil.example')": "evil.example",
}


def attempt(*attempts: str, port: int = 1) -> list[str]:
    """What comes of each in a process of their own."""
    script = ARMED.format(port=port, attempts=attempts)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


def test_what_is_not_allowed_is_refused() -> None:
    came = dict(zip(ATTEMPTS, attempt(*ATTEMPTS), strict=True))
    assert came == {what: f"Refused {refused}" for what, refused in ATTEMPTS.items()}


def test_what_is_allowed_is_reached_by_its_name_at_its_port_alone() -> None:
    with http_server() as http, http_server() as other:
        ask = "urllib.request.urlopen('http://localhost:{}/').read()"
        by_address = f"socket.create_connection(('127.0.0.1', {http.port}))"
        attempts = (by_address, ask.format(http.port), ask.format(other.port))
        first, second, third = attempt(*attempts, port=http.port)
    assert first == f"Refused 127.0.0.1:{http.port}"
    assert second == "done None"
    assert third == f"URLError localhost:{other.port}"
    assert (len(http.paths), len(other.paths)) == (1, 0)


def test_a_port_that_another_host_is_allowed_at_is_not_lent_to_this_one() -> None:
    with http_server() as http, http_server() as other:
        lent = f'parse_allowed("json://127.0.0.2:{other.port}")'
        script = ARMED.replace("guard.only([", f"guard.only([{lent}, ")
        look_up = "socket.getaddrinfo('localhost', None, socket.AF_INET)"
        by_bytes = look_up.replace("'localhost'", "b'localhost'")
        meet = "socket.socket().connect(('127.0.0.1', {}))"
        attempts = (by_bytes, meet.format(http.port), look_up, meet.format(other.port))
        done = subprocess.run(
            [sys.executable, "-c", script.format(port=http.port, attempts=attempts)],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
    refused = f"Refused 127.0.0.1:{other.port}"
    assert done.stdout.splitlines() == ["done None"] * 3 + [refused]


def test_this_machines_own_name_may_be_allowed_like_any_other() -> None:
    with http_server() as http:
        ask = f"urllib.request.urlopen('http://{{}}:{http.port}/').read()"
        script = ARMED.replace(
            "guard = Guard()", "socket.gethostname = lambda: 'localhost'\nguard = Guard()"
        )
        attempts = (ask.format("localhost"),)
        done = subprocess.run(
            [sys.executable, "-c", script.format(port=http.port, attempts=attempts)],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
    assert done.stdout.splitlines() == ["done None"]


def test_this_machines_own_name_is_looked_up_and_not_contacted() -> None:
    look = "socket.getaddrinfo(socket.gethostname(), None)"
    contact = "socket.create_connection((socket.gethostname(), 1))"
    looked, contacted = attempt(look, contact)
    assert looked == "done None"
    assert contacted.startswith("Refused")
