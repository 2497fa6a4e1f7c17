"""The command line: the same core without Dagster, for people, scripts and CI.

Exits 0 done, 1 refused or failed with one clear line on stderr, 2 wrong usage.
"""

import os
import sys

import typer

from model_refresh.cli.acting import promote as promote_command
from model_refresh.cli.acting import refresh, rollback, score
from model_refresh.cli.asking import champion, check, history, show, verify, why
from model_refresh.errors import ModelRefreshError

app = typer.Typer(
    name="model-refresh",
    help="Keeps predictive models fresh: refresh, judge, promote, score.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (
    check, show, refresh, history, why, champion, promote_command, rollback, score, verify,
):  # fmt: skip
    app.command()(command)


def main() -> None:
    """Run one command; our own errors become one line and exit 1."""
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # spinning threads starve other models
    try:
        app()
    except ModelRefreshError as error:
        _fail(str(error))
    except KeyboardInterrupt:
        _fail("interrupted; run the same command again to go on")


def _fail(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    raise SystemExit(1)
