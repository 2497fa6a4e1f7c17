"""`serve`: the champion answers over HTTP on this machine, and a new one takes over by itself."""

import logging
from typing import Annotated

import typer

from model_refresh.cli.shared import FLEET, HOME, FleetFolder, Home, Name, find_model, store_of
from model_refresh.errors import ModelRefreshError


def serve(
    name: Name,
    port: Annotated[
        int, typer.Option("--port", min=0, max=65_535, help="Where to listen; 0: any free port.")
    ] = 8000,
    host: Annotated[
        str, typer.Option("--host", metavar="ADDRESS", help="Default: this machine only.")
    ] = "127.0.0.1",
    shadow: Annotated[
        bool, typer.Option("--shadow", help="Load the challenger too, for ?shadow=true.")
    ] = False,
    fleet: FleetFolder = FLEET,
    home: Home = HOME,
) -> None:
    """Answer over HTTP with the champion, whoever it is, until Ctrl-C."""
    try:  # here: other commands neither need them nor wait for them
        from model_refresh.scorer.http.served import Serving
        from model_refresh.serving.folder.limits import settings_of
        from model_refresh.serving.live.follow import Follower
        from model_refresh.serving.live.process import serve_champion
        from model_refresh.serving.production import scorer_of
    except ModuleNotFoundError as error:
        raise ModelRefreshError(
            f"serve needs {error.name}: pip install 'model_refresh[realtime]'"
        ) from error
    model = find_model(name, fleet)
    follower = Follower(
        store_of(model, home),
        Serving(),
        settings_of(model.spec.realtime),
        scorer_of,
        shadow=shadow,
    )
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    serve_champion(follower, host=host, port=port)
