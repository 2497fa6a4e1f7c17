"""The champion over HTTP in this process, for as long as it runs."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from functools import partial

from starlette.applications import Starlette
from starlette.types import Lifespan

from model_refresh.errors import ModelRefreshError
from model_refresh.scorer.http.app import make_app
from model_refresh.scorer.http.served import Serving
from model_refresh.scorer.http.server import address, bind, run
from model_refresh.serving.live.follow import Follower

_log = logging.getLogger("model_refresh.serve")


def serve_champion(follower: Follower, *, host: str, port: int) -> None:
    """Answer until told to end, by whom `follower` finds; port 0 is any free one.

    Raises ModelRefreshError where it can't listen there.
    """
    try:
        listening = bind(host, port)
    except OSError as error:
        raise ModelRefreshError(
            f"can't listen at {host}, port {port} ({error.strerror}): name another, or --port 0 "
            "for any free one"
        ) from error
    _log.info("%s at %s", follower.store.name, address(listening))
    app = make_app(follower.serving, follower.settings, lifespan=following(follower))
    run(app, listening, follower.settings)


def following(follower: Follower) -> Lifespan[Starlette]:
    """While the app runs, the champion log is followed; an end of that is told at /ready."""

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        task = asyncio.create_task(follower.follow())
        task.add_done_callback(partial(_tell_end, follower.serving))
        yield
        task.cancel()

    return lifespan


def _tell_end(serving: Serving, task: asyncio.Task[None]) -> None:
    """Nothing but a fault ends it before the app: then nobody knows who is champion."""
    if not task.cancelled():
        serving.stale = "the champion log is followed no more: start this process again"
        _log.error("%s", serving.stale, exc_info=task.exception())
