"""Real servers on 127.0.0.1 that receive what is sent: HTTP, and just enough of SMTP."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Received:
    """What a server on this port was sent."""

    port: int
    paths: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The bodies as JSON."""
        return [json.loads(body) for body in self.bodies]


@contextmanager
def http_server(status: int = 200, location: str | None = None) -> Iterator[Received]:
    """Answers every request with a status, and where it is given, with a place to go on to."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.do_GET()

        def do_GET(self) -> None:
            received.paths.append(self.path)
            self.send_response(status)
            if location is not None:
                self.send_header("Location", location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        received = Received(server.server_port)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield received
        server.shutdown()


@contextmanager
def smtp_server() -> Iterator[Received]:
    """Takes one mail after the other."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        received = Received(listening.getsockname()[1])
        threading.Thread(target=_take_mails, args=(listening, received), daemon=True).start()
        yield received


@contextmanager
def silent_server() -> Iterator[int]:
    """The port of a server that takes connections and never says anything."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def _take_mails(listening: socket.socket, received: Received) -> None:
    while True:
        try:
            connection, _ = listening.accept()
        except OSError:
            return
        with connection, connection.makefile("rwb") as stream:
            stream.write(b"220 here\r\n")
            stream.flush()
            for line in stream:
                word = line.split()[0].upper() if line.split() else b""
                if word == b"DATA":
                    stream.write(b"354 go on\r\n")
                    stream.flush()
                    received.bodies.append(b"".join(iter(stream.readline, b".\r\n")))
                stream.write(b"221 bye\r\n" if word == b"QUIT" else b"250 good\r\n")
                stream.flush()
