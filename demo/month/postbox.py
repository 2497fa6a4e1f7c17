"""Where the month's alerts arrive: a web server on this machine that keeps what it is sent."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Self

from ruamel.yaml import YAML


class Postbox:
    """Receives JSON by POST; `messages` is what came, in order."""

    def __init__(self, fleet: Path) -> None:
        self.messages: list[dict[str, object]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self.messages))
        self._declare(fleet)

    @property
    def environment(self) -> dict[str, str]:
        """The address, as the fleet's alerts.yaml names it."""
        return {"MONTH_WEBHOOK": f"json://127.0.0.1:{self._server.server_port}/alerts"}

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _declare(self, fleet: Path) -> None:
        """One route for everything of warning and above."""
        with (fleet / "alerts.yaml").open("w") as file:
            YAML().dump(
                {
                    "allow": [f"json://127.0.0.1:{self._server.server_port}"],
                    "routes": [{"name": "month", "urls": "${MONTH_WEBHOOK}"}],
                },
                file,
            )


def _handler(messages: list[dict[str, object]]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            messages.append(json.loads(self.rfile.read(length)))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    return Handler
