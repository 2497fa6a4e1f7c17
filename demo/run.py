"""The demo: six Mondays of real data through the dagster CLI, then two feeds that are damaged.

Run it with `make demo`. Everything it makes lies below `.model_refresh` and `.dagster`, where
`make dev` shows it; the damaged feeds run on copies below `.demo`. Run again, it does only what
is missing.
"""

import datetime as dt
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from dagster import DagsterEventType, DagsterInstance
from damage import half_lost, shuffled_join
from rich.console import Console
from rich.table import Table

from model_refresh.storage import ModelStore, Store

MODEL = "cdnow_repurchase"
MONDAYS = ["1997-12-01", "1997-12-08", "1997-12-15", "1997-12-22", "1997-12-29", "1998-01-05"]
SEVENTH = "1998-01-12"
REFRESH = f'group:"{MODEL}" and not key:"{MODEL}/performance"'
ROOT = Path(__file__).parent.parent
SCRATCH = ROOT / ".demo"
DAMAGES: dict[str, Callable[[pl.DataFrame], pl.DataFrame]] = {
    "half of the new rows lost": half_lost,
    "a shuffled join": shuffled_join,
}
COLUMNS = (
    "as_of", "decision", "why", "champion",
    "log loss new", "old", "AUC new", "old", "scored", "s",
)  # fmt: skip

console = Console(highlight=False, width=None if sys.stdout.isatty() else 150)


@dataclass(frozen=True)
class Outcome:
    """How one dagster run ended."""

    seconds: float
    failure: str | None


def main() -> None:
    """Refresh, damage, show."""
    home = ROOT / ".model_refresh"
    environment = {
        "MODEL_REFRESH_FLEET": str(ROOT / "fleet"),
        "MODEL_REFRESH_HOME": str(home),
        "DAGSTER_HOME": str(ROOT / ".dagster"),
    }
    table = Table(*COLUMNS, title="Refreshes of cdnow_repurchase", title_justify="left")
    for monday in MONDAYS:
        with console.status(f"dagster refreshes {MODEL} as of {monday}"):
            outcome = refresh(monday, environment)
        if outcome.failure is not None:
            sys.exit(f"the refresh of {monday} failed: {outcome.failure}")
        add_row(table, Store(home).model(MODEL), monday, outcome)
    console.print(table)
    show_damages(kept_store(home))
    console.print(NEXT)


def refresh(as_of: str, environment: dict[str, str]) -> Outcome:
    """One whole refresh and its batch of scores by the dagster CLI.

    Not the asset `performance`: on that Monday the batch's labels were still to come.
    """
    begun = time.monotonic()
    command = [
        str(Path(sys.executable).with_name("dagster")), "asset", "materialize",
        "-m", "model_refresh.definitions", "--select", REFRESH, "--partition", as_of,
    ]  # fmt: skip
    dagster_home = Path(environment["DAGSTER_HOME"])
    dagster_home.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "dagster.yaml", dagster_home)
    full = {**os.environ, **environment}
    SCRATCH.mkdir(exist_ok=True)
    with (SCRATCH / f"{as_of}.log").open("w") as log:
        done = subprocess.run(
            command, cwd=ROOT, env=full, stdout=log, stderr=subprocess.STDOUT, check=False
        )
    seconds = time.monotonic() - begun
    failure = newest_failure(dagster_home, log.name) if done.returncode else None
    return Outcome(seconds, failure)


def newest_failure(dagster_home: Path, log: str) -> str:
    """What the newest run says of the step that stopped it."""
    with DagsterInstance.from_config(str(dagster_home)) as instance:
        for record in instance.get_run_records(limit=1):
            run = record.dagster_run.run_id
            for entry in instance.all_logs(run, of_type=DagsterEventType.STEP_FAILURE):
                event = entry.get_dagster_event()
                failure = event.step_failure_data.user_failure_data
                if failure is not None and failure.description:
                    return f"step {event.step_key}: {failure.description}"
            for entry in instance.all_logs(run, of_type=DagsterEventType.ASSET_CHECK_EVALUATION):
                check = entry.get_dagster_event().asset_check_evaluation_data
                if not check.passed:
                    return f"check {check.check_name}: {check.description}"
    return f"see {log}"


def add_row(table: Table, store: ModelStore, as_of: str, outcome: Outcome) -> None:
    """A line of the table from what the store holds."""
    when = dt.datetime.fromisoformat(as_of).replace(tzinfo=dt.UTC)
    promotion, comparison = store.promotions(when).last(), store.comparisons(when).last()
    scores = store.scores(when).last()
    if promotion is None or comparison is None:
        sys.exit(f"the refresh of {as_of} left no promotion record")
    judged = comparison.record.metrics
    loss, auc = judged["log_loss"], judged["roc_auc"]
    table.add_row(
        as_of,
        promotion.record.decision,
        promotion.record.sentence,
        (promotion.record.champion or "none")[:8],
        *[number(v) for v in (loss.challenger, loss.incumbent, auc.challenger, auc.incumbent)],
        str(scores.record.rows) if scores else "-",
        f"{outcome.seconds:.0f}",
    )


def number(value: float | None) -> str:
    """Four digits, or a dash."""
    return "-" if value is None else f"{value:.4f}"


def show_damages(home: Path) -> None:
    """A seventh refresh on copies of the store and of the data, damaged as real feeds are."""
    before = champion_of(home)
    table = Table(
        "the feed suffers", "what stopped it", "champion", "s",
        title=f"The same refresh as of {SEVENTH}, on damaged copies of the data",
        title_justify="left", show_lines=True,
    )  # fmt: skip
    for name, damage in DAMAGES.items():
        with console.status(f"dagster refreshes {MODEL} as of {SEVENTH} after {name}"):
            fleet, copy = damaged_copy(name, damage, home)
            environment = {
                "MODEL_REFRESH_FLEET": str(fleet),
                "MODEL_REFRESH_HOME": str(copy),
                "DAGSTER_HOME": str(fleet.with_name("dagster")),
            }
            outcome = refresh(SEVENTH, environment)
        after = champion_of(copy)
        stayed = f"{after[:8]} stayed" if after == before else f"CHANGED to {after[:8]}"
        why = outcome.failure or last_sentence(copy)
        table.add_row(name, why, stayed, f"{outcome.seconds:.0f}")
        if after != before:
            console.print(table)
            sys.exit(f"{name} was promoted: that must not happen")
    console.print(table)


def kept_store(home: Path) -> Path:
    """The store as it was after the six Mondays: what came later is not what is damaged."""
    kept, draft = SCRATCH / "store", SCRATCH / "store.part"
    if champion_of(kept) not in Store(home).model(MODEL).versions():
        for place in (kept, draft):
            shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(home, draft).rename(kept)
    return kept


def damaged_copy(
    name: str, damage: Callable[[pl.DataFrame], pl.DataFrame], home: Path
) -> tuple[Path, Path]:
    """A fleet whose data is damaged, and a copy of the store."""
    place = SCRATCH / name.replace(" ", "_")
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(ROOT / "fleet", place / "fleet")
    shutil.copytree(home, place / "store")
    data = place / "fleet" / MODEL / "data" / "transactions.parquet"
    damaged = damage(pl.read_parquet(data))
    data.unlink()
    damaged.write_parquet(data)
    return place / "fleet", place / "store"


def champion_of(home: Path) -> str:
    """The version in production."""
    line = Store(home).model(MODEL).champion.last()
    return line.record.version if line else "none"


def last_sentence(home: Path) -> str:
    """How the seventh refresh ended where no step failed."""
    when = dt.datetime.fromisoformat(SEVENTH).replace(tzinfo=dt.UTC)
    line = Store(home).model(MODEL).promotions(when).last()
    return f"{line.record.decision}: {line.record.sentence}" if line else "nothing was recorded"


NEXT = f"""
What to try next
  make dev                                              the same in Dagster's UI, at http://127.0.0.1:3000
  .venv/bin/model-refresh why {MODEL}          the last verdict, gate by gate
  .venv/bin/model-refresh history {MODEL}      every decision so far
  .venv/bin/model-refresh rollback {MODEL} --reason "to see it work"
  .venv/bin/model-refresh serve {MODEL}        the champion over HTTP: docs/how-to/serve.md
  README.md, "Declare your own model"                   a folder with one YAML and two SQL files
"""

if __name__ == "__main__":
    main()
