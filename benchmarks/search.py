"""How soon a search that remembers finds what one that knows nothing finds.

For so many weeks in a row of two real models, each week two searches of the same folds with the
same number of trials: one cold, one that begins with what the warm searches of the weeks before
found and looks around it, as refreshes do. Printed is after how many trials the warm one was as
good as the cold one ended: its validation loss at most, and within a thousandth of it.

    python benchmarks/search.py [--weeks 10] [--trials 10] [--window 5] [--models NAME ...]

Needs the flights for flights_late (`make example-flights` fetches them).
"""

import argparse
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from model_refresh.algorithms import LightGBM
from model_refresh.config.fleet import load_fleet
from model_refresh.config.model import Model
from model_refresh.metrics import metric
from model_refresh.records import HALF_LIFE, Parameters, Recipe
from model_refresh.refresh.dataset import build_dataset
from model_refresh.refresh.experience import MEMORY, SHARE_OF_TRIALS
from model_refresh.refresh.folds import FoldRows
from model_refresh.refresh.proposal import folds_of
from model_refresh.storage import Store
from model_refresh.tuning import Budget, Choice, Plan, Tuned, tune

PROJECT = Path(__file__).resolve().parents[1]
MODELS = {
    "cdnow_repurchase": (PROJECT / "fleet", "1997-12-01"),
    "flights_late": (PROJECT / "examples" / "flights" / "fleet", "2013-05-06T05:00Z"),
}
LIMIT_SECONDS = 1e6
NEAR = 1.001


@dataclass(frozen=True)
class Week:
    """Both searches of one refresh date; `equal` and `near` are trials, None: never."""

    date: str
    cold: float
    warm: float
    equal: int | None
    near: int | None


def main() -> None:
    """Run and print."""
    arguments = _arguments()
    for name in arguments.models:
        fleet, first = MODELS[name]
        model = load_fleet(fleet, environment=os.environ, only=name)[0]
        weeks = list(_weeks(_shortened(model, arguments.window), first, arguments))
        most = arguments.trials * SHARE_OF_TRIALS
        equal = sum(week.equal is not None and week.equal <= most for week in weeks)
        near = sum(week.near is not None and week.near <= most for week in weeks)
        print(
            f"{name}: within {most:g} of {arguments.trials} trials the warm search was as good as "
            f"the cold one in {equal} of {len(weeks)} weeks, within 0.1% of it in {near}"
        )


def _weeks(model: Model, first: str, arguments: argparse.Namespace) -> Iterator[Week]:
    """The first week fills the memory and is not told."""
    memory: list[Parameters] = []
    as_of = model.cadence.parse(first)
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder)).model(model.name)
        for number in range(arguments.weeks + 1):
            dataset = build_dataset(model, store, as_of).record
            recipe = Recipe(
                algorithm="lightgbm", options={}, parameters={}, features=dataset.features,
                categorical=dataset.categorical, seed=number,
            )  # fmt: skip
            ground = FoldRows(store, recipe, folds_of(dataset), classes=0)
            cold = _search(model, ground, (), arguments.trials, seed=number)
            most = int(arguments.trials * SHARE_OF_TRIALS)
            warm = _search(model, ground, tuple(memory[:most]), arguments.trials, seed=number)
            if memory:
                week = Week(
                    model.cadence.key(as_of), cold.loss, warm.loss,
                    _reached(warm, cold.loss), _reached(warm, NEAR * cold.loss),
                )  # fmt: skip
                print(
                    f"  {week.date}: cold {week.cold:.5f}, warm {week.warm:.5f}; as good after "
                    f"{week.equal or 'no'} trials, near after {week.near or 'no'}",
                    flush=True,
                )
                yield week
            memory = [warm.parameters, *memory][:MEMORY]
            as_of = model.cadence.next(as_of)


def _search(
    model: Model, ground: FoldRows, remembered: tuple[Parameters, ...], trials: int, *, seed: int
) -> Tuned:
    start = model.cadence.start
    lives = model.spec.training.half_lives(model.cadence.next(start) - start)
    days = tuple(each.total_seconds() / 86_400 for each in lives)
    plan = Plan(
        budget=Budget(trials=trials, seconds=LIMIT_SECONDS),
        seed=seed,
        choices=(Choice(name=HALF_LIFE, values=(0.0, *days)),),
        remembered=remembered,
        narrow=bool(remembered),
    )
    loss = metric(model.tuning_loss).value
    return tune(LightGBM(), ground, task=model.spec.task, plan=plan, loss=loss)[0]


def _reached(tuned: Tuned, loss: float) -> int | None:
    return next((each.number for each in tuned.attempts if each.loss <= loss), None)


def _shortened(model: Model, window: int) -> Model:
    training = model.spec.training.model_copy(update={"window": (window,), "holdout": 1})
    spec = model.spec.model_copy(update={"training": training})
    return Model(
        spec=spec, folder=model.folder, features_sql=model.features_sql,
        labels_sql=model.labels_sql, ready_sql=model.ready_sql, written=model.written,
    )  # fmt: skip


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--weeks", type=int, default=10)
    parser.add_argument("--trials", type=int, default=10)
    parser.add_argument("--window", type=int, default=5, help="frames to train on")
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=list(MODELS))
    return parser.parse_args()


if __name__ == "__main__":
    main()
