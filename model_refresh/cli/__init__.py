"""The command line: the same core without Dagster, for people, scripts and CI.

Exits 0 done, 1 refused or failed with one clear line on stderr, 2 wrong usage.
"""

import functools
import os
import sys
from collections.abc import Callable
from typing import ParamSpec

import typer

from model_refresh.cli.acting import promote, refresh, rollback, score
from model_refresh.cli.alerts import alerts, watchdog
from model_refresh.cli.asking import check, show, verify
from model_refresh.cli.champion import champion
from model_refresh.cli.drift import drift
from model_refresh.cli.history import history
from model_refresh.cli.init import init
from model_refresh.cli.orders import hold, release, skip
from model_refresh.cli.overview import overview
from model_refresh.cli.performance import performance
from model_refresh.cli.plan import plan
from model_refresh.cli.report import report
from model_refresh.cli.scorer import scorer
from model_refresh.cli.serving import serve
from model_refresh.cli.verdict import why
from model_refresh.errors import ModelRefreshError

P = ParamSpec("P")

app = typer.Typer(
    name="model-refresh",
    help="Keeps predictive models fresh: refresh, judge, promote, score.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Run one command."""
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # spinning threads starve other models
    app()


def _plainly(command: Callable[P, None]) -> Callable[P, None]:
    """The command, whose refusals become one line on stderr and exit 1; a bug keeps its trace."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except ModelRefreshError as error:
            line = str(error)
        except KeyboardInterrupt:
            line = "interrupted; run the same command again to go on"
        else:
            return
        sys.stderr.write(f"{line}\n")
        raise typer.Exit(1)

    return run


for _command in (
    init, check, show, plan, refresh, history, why, report, champion, promote, rollback,
    hold, release, skip, score, drift, scorer, serve,
    overview, performance,
    verify, alerts, watchdog,
):  # fmt: skip
    app.command()(_plainly(_command))
