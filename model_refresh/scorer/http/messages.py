"""ASGI messages: an answer or a problem as the bytes that leave."""

from starlette.types import Receive, Send

from model_refresh.scorer.http.body import drain
from model_refresh.scorer.http.problems import PROBLEM_TYPE, Refused

_JSON = (b"content-type", b"application/json")
_PROBLEM = (b"content-type", PROBLEM_TYPE.encode())
_CLOSE = (b"connection", b"close")


async def send_json(send: Send, body: bytes) -> None:
    """Answer 200 with JSON."""
    headers = [_JSON, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def send_problem(receive: Receive, send: Send, refused: Refused) -> None:
    """Answer with a problem; one that closes the connection first lets the client finish."""
    body = refused.problem.encoded()
    headers = [_PROBLEM, (b"content-length", b"%d" % len(body))]
    headers += [(name.lower().encode(), value.encode()) for name, value in refused.headers]
    if refused.closes:
        headers.append(_CLOSE)
    status = refused.problem.status
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": refused.closes})
    if refused.closes:
        await drain(receive)
        await send({"type": "http.response.body", "body": b""})
