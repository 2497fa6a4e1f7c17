"""The body of a request: JSON, and at most so large."""

from collections.abc import Iterable

from starlette.types import Message, Receive

from model_refresh.scorer.http.problems import Refused
from model_refresh.scorer.http.settings import Settings

Headers = Iterable[tuple[bytes, bytes]]

_JSON = b"application/json"
_KIB = 1024


class Gone(Exception):
    """The client went away before its request was whole: nobody waits for an answer."""


def require_json(headers: Headers, settings: Settings) -> None:
    """Raise Refused unless the headers announce plain JSON that is small enough."""
    media = b""
    for name, value in headers:
        if name == b"content-type":
            media = value
        elif name == b"content-length":
            _require_small(int(value) if value.isdigit() else 0, settings)
        elif name == b"content-encoding" and value.lower() != b"identity":
            raise Refused(
                415, "a compressed body is not accepted: send it without Content-Encoding"
            )
    if media != _JSON:
        _require_json_type(media.decode("latin-1"))


async def read_body(receive: Receive, settings: Settings) -> bytes:
    """The whole body; raises Refused where it is too large, Gone where the client went away.

    How long it may take is the server's matter (`protocol.py`), which ends the connection.
    """
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body", False):
        body: bytes = message.get("body", b"")
        _require_small(len(body), settings)
        return body
    return await _read_parts(message, receive, settings)


async def drain(receive: Receive) -> None:
    """Take what is still arriving, and drop it.

    A connection that is closed on a client that still sends is reset, which loses the answer.
    """
    while (message := await receive())["type"] == "http.request":
        if not message.get("more_body", False):
            return


async def _read_parts(message: Message, receive: Receive, settings: Settings) -> bytes:
    parts, size = [], 0
    while True:
        if message["type"] == "http.disconnect":
            raise Gone
        part = message.get("body", b"")
        size += len(part)
        _require_small(size, settings)
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)
        message = await receive()


def _require_small(size: int, settings: Settings) -> None:
    if size > settings.body_kib * _KIB:
        told = f"the body is larger than {settings.body_kib} KiB: send fewer rows"
        raise Refused(413, told, closes=True)


def _require_json_type(media: str) -> None:
    kind, _, parameters = media.partition(";")
    charset = parameters.strip().lower().replace('"', "")
    if kind.strip().lower() == _JSON.decode() and charset in {"", "charset=utf-8"}:
        return
    told = f"Content-Type {media[:_KIB]!r}" if media else "no Content-Type"
    raise Refused(415, f"{told}: send JSON in UTF-8, with Content-Type: application/json")
