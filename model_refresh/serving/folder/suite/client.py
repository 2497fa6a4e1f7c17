"""A client of a scorer, over one connection, with the standard library alone."""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from model_refresh.scorer.formula.values import Row
from model_refresh.scorer.golden import Answer

JSON = "application/json"
PROBLEM = "application/problem+json"


class Unanswered(ValueError):
    """A row that was to be scored was refused; the text has the status and the answer."""


@dataclass(frozen=True)
class Reply:
    """What came back; `type` is the media type."""

    status: int
    type: str
    body: bytes

    @property
    def json(self) -> Any:  # noqa: ANN401  (whatever JSON there is)
        """The body, which must be JSON."""
        return json.loads(self.body)

    @property
    def fields(self) -> list[str]:
        """The fields that a problem names."""
        return [error["field"] for error in self.json.get("errors", [])]


class Client:
    """Asks one scorer; the connection is kept from request to request."""

    def __init__(self, url: str, *, seconds: float = 30.0) -> None:
        place = urlsplit(url)
        self._connection = http.client.HTTPConnection(
            place.hostname or "", place.port, timeout=seconds
        )

    def close(self) -> None:
        """End the connection."""
        self._connection.close()

    def get(self, path: str) -> Reply:
        """GET."""
        return self.ask("GET", path)

    def post(self, path: str, content: object, *, type: str = JSON) -> Reply:
        """POST JSON; bytes are sent as they are."""
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        return self.ask("POST", path, body=body, headers={"content-type": type})

    def ask(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Any request; raises OSError or HTTPException where there is no answer."""
        try:
            self._connection.request(method, path, body=body, headers=dict(headers or {}))
            response = self._connection.getresponse()
            return Reply(response.status, response.getheader("content-type", ""), response.read())
        except (OSError, http.client.HTTPException):
            self._connection.close()
            raise

    def score(self, row: Row) -> Answer:
        """The score of one row; raises Unanswered where it is refused."""
        reply = self.post("/score", row)
        if reply.status != 200:
            raise Unanswered(f"{reply.status} {reply.body.decode(errors='replace')}")
        answer: Answer = reply.json["score"]
        return answer
