"""The HTTP app of a scorer: routes, and a problem for whatever has none."""

from collections.abc import Callable
from functools import partial
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Lifespan

from model_refresh.scorer.http import telling
from model_refresh.scorer.http.endpoints import Score, ScoreBatch, Told
from model_refresh.scorer.http.problems import PROBLEM_TYPE, problem
from model_refresh.scorer.http.served import Serving
from model_refresh.scorer.http.settings import Settings

PATHS = ("/score", "/score-batch", "/health", "/ready", "/model", "/openapi.json")


def make_app(
    serving: Serving, settings: Settings, *, lifespan: Lifespan[Starlette] | None = None
) -> Starlette:
    """The app that answers with whatever `serving` holds when a request is read."""
    told: dict[str, Callable[[], bytes]] = {
        "/health": telling.health,
        "/ready": partial(telling.ready, serving),
        "/model": partial(telling.model, serving),
        "/openapi.json": partial(telling.document, serving),
    }
    routes = [
        Route("/score", Score(serving, settings), methods=["POST"]),
        Route("/score-batch", ScoreBatch(serving, settings), methods=["POST"]),
        *(Route(path, Told(tell), methods=["GET"]) for path, tell in told.items()),
    ]
    handlers = {HTTPException: _as_problem, Exception: _as_fault}
    app = Starlette(routes=routes, exception_handlers=handlers, lifespan=lifespan)
    app.router.redirect_slashes = False
    return app


async def _as_problem(request: Request, error: Exception) -> Response:
    """What the router refuses: an unknown path, or a method that its path does not have."""
    if not isinstance(error, HTTPException):
        raise TypeError(type(error).__name__)
    detail = error.detail
    if error.status_code == HTTPStatus.NOT_FOUND:
        detail = f"there is no such path; there are {', '.join(PATHS)}"
    elif error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        detail = f"{request.method[:16]} is not accepted here: see the header Allow"
    about = problem(error.status_code, detail)
    return Response(about.encoded(), error.status_code, error.headers, PROBLEM_TYPE)


async def _as_fault(request: Request, error: Exception) -> Response:
    """A fault of the scorer itself, of which the answer tells nothing."""
    about = problem(500, "the scorer has a fault; its log says where")
    return Response(about.encoded(), 500, media_type=PROBLEM_TYPE)
