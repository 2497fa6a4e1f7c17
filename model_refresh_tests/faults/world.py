"""What the tests of faults share: a small model, and what can be seen of its store."""

import subprocess
from pathlib import Path

from model_refresh.storage import Store
from model_refresh.storage.store import stamp
from model_refresh.storage.verify import verify
from model_refresh_tests.lab import NAME, Lab, make_lab

ROOT = Path(__file__).parents[2]
STAR = "SELECT DISTINCT ON (customer_id) * EXCLUDE (visited) FROM visits WHERE day < $as_of ORDER BY customer_id, day"


def champions(lab: Lab) -> list[str]:
    return [line.record.version for line in lab.store.champion.lines()]


def problems(lab: Lab) -> list[str]:
    return list(verify(Store(lab.home), [NAME]))


def drafts(lab: Lab) -> list[str]:
    return [path.name for path in lab.home.rglob(".tmp-*")]


def recorded(lab: Lab, number: int) -> list[str]:
    """The steps of a refresh that left a record; why it began is no step."""
    folder = lab.store.root / "refreshes" / stamp(lab.day(number))
    return sorted({path.parent.name for path in folder.glob("*/*.json")} - {"reason"})


def with_sql(lab: Lab, features: str) -> Lab:
    (lab.folder / "features.sql").write_text(features)
    return lab.again({})


def command(lab: Lab, *words: str) -> list[str]:
    places = ["--fleet", str(lab.fleet), "--home", str(lab.home)]
    return ["-m", "model_refresh", *words, *places]


def run(arguments: list[str]) -> "subprocess.CompletedProcess[str]":
    """A command in a process of its own."""
    return subprocess.run(arguments, cwd=ROOT, check=False, capture_output=True, text=True)


def small(folder: Path) -> Lab:
    return make_lab(folder, {"training.window": 1, "training.min_frames": 1})
