"""One request to an app in this process, without a network."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message

JSON = {"content-type": "application/json"}


@dataclass(frozen=True)
class Reply:
    """What came back; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, which must be JSON as of its RFC."""
        return json.loads(self.body, parse_constant=_refused)

    @property
    def fields(self) -> list[str]:
        """The fields that a problem names."""
        return [error["field"] for error in self.json.get("errors", [])]


def post(app: ASGIApp, path: str, content: object, **headers: str) -> Reply:
    """POST JSON; bytes are sent as they are."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return ask(app, "POST", path, parts=[body], headers=JSON | headers)


def get(app: ASGIApp, path: str) -> Reply:
    """GET."""
    return ask(app, "GET", path)


def ask(
    app: ASGIApp,
    method: str,
    path: str,
    *,
    parts: Sequence[bytes] = (b"",),
    headers: Mapping[str, str] | None = None,
) -> Reply:
    """Any request, whose body comes in these parts."""
    return asyncio.run(asked(app, method, path, parts=parts, headers=headers))


async def asked(
    app: ASGIApp,
    method: str,
    path: str,
    *,
    parts: Sequence[bytes] = (b"",),
    headers: Mapping[str, str] | None = None,
) -> Reply:
    """The same, in a loop that runs already."""
    url = urlsplit(path)
    left, sent = list(parts), list[Message]()

    async def receive() -> Message:
        await asyncio.sleep(0)
        if not left:
            return {"type": "http.disconnect"}
        part = left.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(left)}

    async def send(message: Message) -> None:
        await asyncio.sleep(0)
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": url.path,
        "raw_path": url.path.encode(),
        "root_path": "",
        "query_string": url.query.encode(),
        "headers": [(k.encode(), v.encode("latin-1")) for k, v in (headers or {}).items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
        "state": {},
    }
    await app(scope, receive, send)
    start, *rest = sent
    found = {name.decode(): value.decode() for name, value in start["headers"]}
    return Reply(start["status"], found, b"".join(each.get("body", b"") for each in rest))


def _refused(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")
