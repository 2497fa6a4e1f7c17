"""A person at the command line: what is typed, what comes out, and how it ends."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from model_refresh.cli import app
from model_refresh_tests.lab import Lab

WHO = "ann"


@dataclass(frozen=True)
class Ended:
    """Exit code, stdout and stderr of one command."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON document that stdout holds, and nothing else."""
        return json.loads(self.out, parse_constant=_refused)

    @property
    def last_line(self) -> str:
        """The last line on stderr: why it failed."""
        return self.err.rstrip("\n").split("\n")[-1]


def run(lab: Lab, *arguments: str) -> Ended:
    """`model-refresh` with these arguments, in this process; a bug's exception passes through."""
    environment = {
        "MODEL_REFRESH_FLEET": str(lab.fleet),
        "MODEL_REFRESH_HOME": str(lab.home),
        "LOGNAME": WHO,
    }
    result = CliRunner().invoke(app, arguments, env=environment, catch_exceptions=False)
    return Ended(result.exit_code, result.stdout, result.stderr)


def day(lab: Lab, number: int) -> str:
    """A day of the lab as it is typed."""
    return lab.model.cadence.key(lab.day(number))


def every_byte(folder: Path) -> dict[str, bytes]:
    """The content of every file below a folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def _refused(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")
