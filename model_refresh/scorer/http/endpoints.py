"""The endpoints, each a small ASGI app: a request is answered by the one version it met."""

import asyncio
import contextlib
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from starlette.types import Receive, Scope, Send

from model_refresh.scorer.formula.values import Row
from model_refresh.scorer.http.answers import Answer, BatchAnswer, Scorer, encode
from model_refresh.scorer.http.beside import Beside
from model_refresh.scorer.http.body import Gone, read_body, require_json
from model_refresh.scorer.http.messages import send_json, send_problem
from model_refresh.scorer.http.problems import Refused
from model_refresh.scorer.http.query import Asked, read_query
from model_refresh.scorer.http.served import Served, Serving
from model_refresh.scorer.http.settings import Settings

Read = TypeVar("Read")

_ROWS_AT_ONCE = 32
"""Of a batch, before other requests have their turn."""

_LARGE_BYTES = 262_144
"""A body that is read beside the loop. The parser itself lets nobody else run while it takes one,
a few milliseconds a MiB; checking what it found, and telling mistakes, takes longer and does."""

BESIDE = Beside(places=32)
"""Reasons of many trees take a thousand times what their score takes."""


class Score:
    """POST /score: one row."""

    def __init__(self, serving: Serving, settings: Settings) -> None:
        self.serving, self.settings = serving, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; nobody waits where the client has gone."""
        try:
            require_json(scope["headers"], self.settings)
            asked = read_query(scope["query_string"])
            body = await read_body(receive, self.settings)
            is_long = asked.reasons or len(body) > _LARGE_BYTES
            with BESIDE.place() if is_long else contextlib.nullcontext():
                answer = await self.answer(self.serving.required(), body, asked)
        except Refused as refused:
            await send_problem(receive, send, refused)
        except Gone:
            return
        else:
            await send_json(send, encode(answer))

    async def answer(self, served: Served, body: bytes, asked: Asked) -> Answer | BatchAnswer:
        """The answer to a whole body; raises Refused."""
        row = await _read(served.intake.row, body)
        return await _scored(served.scorer, row, asked, shadow=self.shadow_of(served, asked))

    def shadow_of(self, served: Served, asked: Asked) -> Scorer | None:
        """Who scores beside, where that was asked and there is somebody.

        Nobody where another version took over since: the shadow may be for its rows alone.
        """
        shadow = self.serving.shadow if asked.shadow else None
        return None if shadow is None or self.serving.now is not served else shadow.scorer


class ScoreBatch(Score):
    """POST /score-batch: `{"rows": [...]}`, all answered by one version."""

    async def answer(self, served: Served, body: bytes, asked: Asked) -> Answer | BatchAnswer:
        """The answers in one; others have their turn in between."""
        rows = await _read(partial(served.intake.rows, most=self.settings.batch_rows), body)
        shadow, answers = self.shadow_of(served, asked), []
        for number, row in enumerate(rows):
            if number % _ROWS_AT_ONCE == _ROWS_AT_ONCE - 1:
                await asyncio.sleep(0)
            place = f"rows[{number}]"
            answers.append(await _scored(served.scorer, row, asked, shadow=shadow, place=place))
        return BatchAnswer.of(answers, served.scorer.formula)


class Told:
    """A GET endpoint that tells what `told` makes; a Refused of it is answered as a problem."""

    def __init__(self, told: Callable[[], bytes]) -> None:
        self.told = told

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            _require_no_query(scope["query_string"])
            body = self.told()
        except Refused as refused:
            await send_problem(receive, send, refused)
        else:
            await send_json(send, body)


def _require_no_query(query: bytes) -> None:
    if query:
        raise Refused(400, "no parameter is accepted here: ask without a query")


async def _read(read: Callable[[bytes], Read], body: bytes) -> Read:
    """What a body holds; a large one is read beside the loop."""
    return read(body) if len(body) <= _LARGE_BYTES else await BESIDE.done(partial(read, body))


async def _scored(
    scorer: Scorer, row: Row, asked: Asked, *, shadow: Scorer | None, place: str = ""
) -> Answer:
    """The answer to a row; one with reasons takes its time beside the loop."""
    score = partial(scorer.score, row, asked, shadow=shadow, place=place)
    if not asked.reasons:
        return score()
    return await BESIDE.done(score)
