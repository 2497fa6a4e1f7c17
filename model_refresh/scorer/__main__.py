"""`python -m scorer`: serve the version of this folder, once its bytes and its answers are right.

Exits 1 with one line where a file is not the one that was tested. Where golden rows are answered
otherwise than in a batch, it lives and says so at /ready, and answers no row.
"""

import argparse
import logging
import sys
from pathlib import Path

import msgspec

from model_refresh.scorer.formula.errors import ScorerError
from model_refresh.scorer.formula.formula import Formula
from model_refresh.scorer.golden import Golden
from model_refresh.scorer.http.app import make_app
from model_refresh.scorer.http.served import Served, Serving, Unready
from model_refresh.scorer.http.server import address, bind, run
from model_refresh.scorer.http.settings import Settings
from model_refresh.scorer.manifest import FORMULA, GOLDEN, SETTINGS, verify_folder

FOLDER = Path(__file__).resolve().parent.parent

_log = logging.getLogger("scorer")


def main() -> int:
    """Serve until told to end; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m scorer", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="default: 127.0.0.1, this machine only")
    parser.add_argument("--port", type=int, default=8080, help="default: 8080; 0: any free one")
    parser.add_argument("--folder", type=Path, default=FOLDER, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        serving, settings = load(arguments.folder)
        listening = bind(arguments.host, arguments.port)
    except (ScorerError, OSError) as error:
        _log.error("%s", error)
        return 1
    about = serving.now.version if serving.now else f"not ready: {serving.problem}"
    _log.info("%s at %s", about, address(listening))
    run(make_app(serving, settings), listening, settings)
    return 0


def load(folder: Path) -> tuple[Serving, Settings]:
    """What a folder serves, every file verified first; raises ScorerError, OSError."""
    files = verify_folder(folder)
    settings = _settings(files[SETTINGS])
    formula, golden = Formula.decode(files[FORMULA]), Golden.decode(files[GOLDEN])
    try:
        return Serving(Served.made(formula, golden, settings)), settings
    except Unready as error:
        return Serving(problem=str(error)), settings


def _settings(data: bytes) -> Settings:
    try:
        return msgspec.json.decode(data, type=Settings)
    except msgspec.DecodeError as error:
        raise ScorerError(f"{SETTINGS} holds no settings: {error}") from error


if __name__ == "__main__":
    sys.exit(main())
