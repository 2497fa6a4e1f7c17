"""HTTP/1.1 of uvicorn, which waits for a request for ever: here it has a time, its head a size.

What is no HTTP, or comes too slowly, is answered with a problem.
"""

import asyncio

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from model_refresh.scorer.http.problems import PROBLEM_TYPE, problem

HEAD_BYTES = 65_536


class PatientProtocol(HttpToolsProtocol):
    """A connection whose requests are whole within `patience` seconds of their first byte."""

    patience = 10.0
    _is_arriving = False
    _is_head = False
    _head_bytes = 0
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first request."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came; where a request has only begun, its time runs."""
        super().data_received(data)
        if not self._is_arriving:
            return
        if self._timer is None:
            self._wait()
        if self._is_head:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES:
                self._refuse(431, f"the head of the request is larger than {HEAD_BYTES} bytes")

    def on_message_begin(self) -> None:
        """A request begins with its head."""
        self._is_arriving, self._is_head, self._head_bytes = True, True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Its head is whole."""
        self._is_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """It is whole."""
        self._is_arriving = False
        self._stop_waiting()
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP."""
        self._refuse(400, "the request is no HTTP/1.1 that is understood here")

    def _wait(self) -> None:
        self._timer = self.loop.call_later(self.patience, self._give_up)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        self._timer = None
        if self._is_arriving:
            self._refuse(408, f"the request did not arrive within {self.patience:g} s")
        else:
            self.transport.close()

    def _refuse(self, status: int, told: str) -> None:
        """Answer with a problem and close; what was asked in full before is answered first."""
        cycle = self.cycle
        if cycle is not None and not (cycle.response_complete or cycle.more_body):
            cycle.keep_alive = False
            return
        is_answered = cycle is not None and cycle.more_body and cycle.response_started
        if not (is_answered or self.transport.is_closing()):
            self.transport.write(self._problem(status, told))
        self.transport.close()

    def _problem(self, status: int, told: str) -> bytes:
        body = problem(status, told).encoded()
        lines = [
            STATUS_LINE[status],
            *(b"%b: %b\r\n" % header for header in self.server_state.default_headers),
            b"content-type: %b\r\n" % PROBLEM_TYPE.encode(),
            b"content-length: %d\r\n" % len(body),
            b"connection: close\r\n\r\n",
            body,
        ]
        return b"".join(lines)
