"""Running an app: one process, one loop, and an end that loses no request."""

import logging
import signal
import socket
import sys
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from model_refresh.scorer.http.protocol import PatientProtocol
from model_refresh.scorer.http.settings import Settings

LAST_REQUESTS_SECONDS = 30
"""How long requests that have begun may take when the process is told to end."""

KEEP_ALIVE_SECONDS = 75
"""How long a connection may rest between requests; longer than most proxies let theirs."""

SWITCH_SECONDS = 0.0005
"""How long a thread that tells reasons, or loads a version, may keep requests waiting."""


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 is any free one. Raises OSError where it can't be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=2048)


def address(listening: socket.socket) -> str:
    """Where a socket listens, as a URL."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def run(app: ASGIApp, listening: socket.socket, settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; requests that have begun are answered first."""
    protocol = type("Protocol", (PatientProtocol,), {"patience": settings.read_seconds})
    config = uvicorn.Config(
        app,
        http=protocol,
        loop="uvloop",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=LAST_REQUESTS_SECONDS,
    )
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    sys.setswitchinterval(SWITCH_SECONDS)
    server = uvicorn.Server(config)

    def end(number: int, frame: FrameType | None) -> None:
        """Also for a signal before uvicorn listens to them; it raises them again at its end."""
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    server.run(sockets=[listening])
