"""The champion over HTTP in this process, for as long as it runs."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.types import Lifespan

from model_refresh.errors import ModelRefreshError
from model_refresh.scorer.http.app import make_app
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
    app = make_app(follower.serving, follower.settings, lifespan=_following(follower))
    run(app, listening, follower.settings)


def _following(follower: Follower) -> Lifespan[Starlette]:
    """While the app runs, the champion log is followed."""

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        task = asyncio.create_task(follower.follow())
        task.add_done_callback(_tell_end)
        yield
        task.cancel()

    return lifespan


def _tell_end(task: asyncio.Task[None]) -> None:
    """Nothing but a fault of its own ends it before the app."""
    if not task.cancelled() and (fault := task.exception()) is not None:
        _log.error("the champion log is followed no more: start again", exc_info=fault)
