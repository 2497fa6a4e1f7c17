"""A real PostgreSQL for the tests: on a free port of 127.0.0.1, in a folder of its own."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

PASSWORD = "s3cr3t-p4ssw0rd"
USER = "tester"


@dataclass(frozen=True)
class Server:
    """A running server."""

    port: int
    pid: int

    def url(self, *, user: str = USER, password: str = PASSWORD, database: str = "postgres") -> str:
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{database}"

    def connect(self, **kwargs: str) -> psycopg.Connection:
        return psycopg.connect(self.url(**kwargs), autocommit=True)


def program(name: str) -> Path | None:
    """One of the server's programs, which Debian keeps out of PATH."""
    found = shutil.which(name)
    places = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return Path(found).resolve() if found else (places[-1] if places else None)


@contextmanager
def running(folder: Path) -> Iterator[Server]:
    """A server with its data below `folder`; ended, by its own process id, on the way out."""
    initdb, postgres = program("initdb"), program("postgres")
    assert initdb is not None
    assert postgres is not None
    data, secret, log = folder / "data", folder / "secret", folder / "log"
    secret.write_text(PASSWORD)
    user, group = _identity(folder)
    how = ["-A", "scram-sha-256", "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions"]
    made = subprocess.run(
        [initdb, "-D", data, "-U", USER, "--pwfile", secret, *how],
        capture_output=True,
        text=True,
        cwd=folder,
        user=user,
        group=group,
        extra_groups=None if user is None else [],
    )
    assert made.returncode == 0, made.stderr
    port = free_port()
    settings = {
        "port": port,
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
        "fsync": "off",
        "max_connections": 40,
        "TimeZone": "Pacific/Auckland",
        "DateStyle": "SQL, DMY",
    }
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [postgres, "-D", data, *options],
            stdout=output,
            stderr=output,
            cwd=folder,
            user=user,
            group=group,
            extra_groups=None if user is None else [],
        )
        try:
            _wait(process, Server(port, process.pid), log)
            yield Server(port, process.pid)
        finally:
            process.send_signal(signal.SIGQUIT)
            process.wait(30)


def _identity(folder: Path) -> tuple[int | None, int | None]:
    """As whom the server runs, which refuses to be root."""
    if os.getuid() != 0:
        return None, None
    who = pwd.getpwnam("postgres")
    for path in (folder, *folder.iterdir()):
        os.chown(path, who.pw_uid, who.pw_gid)
    return who.pw_uid, who.pw_gid


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _wait(process: subprocess.Popen[bytes], server: Server, log: Path) -> None:
    for _ in range(300):
        assert process.poll() is None, log.read_text()
        try:
            server.connect().close()
        except psycopg.OperationalError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(log.read_text())
