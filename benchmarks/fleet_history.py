"""What a pass of the sensors `alerts` and `overview` costs once the models have a history.

One model's year is written into a new store, a frame a week, a day or an hour: each frame has a
batch, its drift and, where its labels have matured, its grades, and a refresh begins at each, but
not more than one a day. That folder then stands under as many names as there are models. Of each
sensor it tells the CPU seconds of the first pass, and of later ones, the fastest of three, when
what was gleaned before is known still; without what Dagster answers, see fleet.py for that.

    python benchmarks/fleet_history.py [--models 1000] [--every week day hour]
"""

import argparse
import datetime as dt
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar
from unittest import mock

import fleet_world

from model_refresh.config.fleet import load_fleet
from model_refresh.config.model import Model
from model_refresh.monitoring.alerts import Known, open_alerts
from model_refresh.monitoring.alerts.life import leave_sign
from model_refresh.monitoring.overview import Memo
from model_refresh.pipeline.overview import write_overview
from model_refresh.records import (
    Candidate,
    Cost,
    Drift,
    Entry,
    Graded,
    Performance,
    Promised,
    Promotion,
    Reason,
    Record,
    Scores,
    Verdict,
)
from model_refresh.storage import ModelStore, Store
from model_refresh.storage.log import Log

R = TypeVar("R", bound=Record)

HOUR, DAY, YEAR = dt.timedelta(hours=1), dt.timedelta(days=1), dt.timedelta(days=364)
EVERY = {"week": ("7d", "0 6 * * MON"), "day": ("1d", "0 6 * * *"), "hour": ("1h", "0 6 * * *")}
"""How far apart frames are, and when the schedule fires."""
CANDIDATES = ("constant", "linear", "lightgbm")
DIGEST, VERSION = "0" * 64, "0" * 16
ACCEPTED_SECONDS = 2


def main() -> None:
    arguments = _arguments()
    monday = dt.datetime.now(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    now = monday - dt.timedelta(days=monday.weekday()) + 9 * HOUR
    print(f"CPU s of a pass over {arguments.models} models; accepted {ACCEPTED_SECONDS} s")
    print(f"{'frame':>6} {'frames':>7}   {'sensor':9} {'first':>7} {'later':>7}")
    for every in arguments.every:
        with tempfile.TemporaryDirectory(prefix="fleet-history-") as name:
            _report(Path(name), every, arguments.models, now=now)


def _report(folder: Path, every: str, count: int, *, now: dt.datetime) -> None:
    model = make_model(folder / "fleet", every, now=now)
    store = Store(folder / "home")
    with mock.patch("os.fsync"):  # the store is thrown away; writing it is not what is measured
        frames = write_year(model, store.model(model.name), now=now)
    models = copies(model, store.root, count)
    sensors = {"alerts": _alerts(models, store), "overview": _overview(models, store)}
    for sensor, one_pass in sensors.items():
        first, *later = (_cpu_seconds(one_pass, now) for _ in range(4))
        print(f"{every:>6} {frames:7}   {sensor:9} {first:7.2f} {min(later):7.2f}", flush=True)


def make_model(fleet: Path, every: str, *, now: dt.datetime) -> Model:
    """A model with a frame each `every` for the year before now."""
    apart, cron = EVERY[every]
    (name,) = fleet_world.make_fleet(fleet, 1, cron=cron, now=now)
    file = fleet / name / "model.yaml"
    start = f"start: {now - YEAR - fleet_world.WEEKS * 7 * DAY:%Y-%m-%d}"
    lines = file.read_text().replace("every: 7d", f"every: {apart}").splitlines()
    frame = next(line for line in lines if line.startswith("frame: "))
    written = f"{frame[: frame.index('start: ')]}{start}}}"
    file.write_text("\n".join(written if line == frame else line for line in lines) + "\n")
    os.utime(file, ((now - YEAR).timestamp(),) * 2)
    (model,) = load_fleet(fleet, environment={})
    return model


def write_year(model: Model, store: ModelStore, *, now: dt.datetime) -> int:
    """What a year leaves of each frame, in its own time; the number of frames."""
    as_of, frames, refreshed = model.cadence.floor(now - YEAR), 0, None
    while as_of is not None and as_of <= now:
        at = replace(store, clock=_stopped(as_of + HOUR / 2))
        if refreshed is None or as_of - refreshed >= DAY:
            _refresh(at, as_of)
            refreshed = as_of
        _meet(model, at, as_of, is_mature=as_of + model.sizes.gap <= now)
        as_of, frames = model.cadence.next(as_of), frames + 1
    return frames


def copies(model: Model, home: Path, count: int) -> list[Model]:
    """As many models that have the same folder in the store under names of their own."""
    names = [f"copy_{number:04d}" for number in range(count)]
    for name in names:
        (home / name).symlink_to(home / model.name, target_is_directory=True)
    return [replace(model, spec=model.spec.model_copy(update={"name": name})) for name in names]


def _refresh(store: ModelStore, as_of: dt.datetime) -> None:
    """Every refresh promotes once in four weeks, else it retains."""
    _add(store.reasons(as_of), Reason(kind="schedule", as_of=as_of, sentence="s", request="r"))
    for name in CANDIDATES:
        candidate = Candidate(as_of=as_of, name=name, dataset=DIGEST)
        _add(store.candidates(as_of, name), candidate)
    newest = store.champion.last()
    is_new = newest is None or as_of - newest.record.as_of >= 28 * DAY
    number = (newest.number if newest is not None else 0) + is_new
    verdict = Verdict(
        as_of=as_of, decision="promote" if is_new else "retain", sentence="s", gates=(),
        comparison=DIGEST, artifact=None, dataset=DIGEST, champion=None, policy=DIGEST, code=DIGEST,
    )  # fmt: skip
    _add(store.verdicts(as_of), verdict)
    if is_new:
        prev = newest.record.digest() if newest is not None else None
        entry = Entry(
            number=number, prev=prev, kind="promotion", as_of=as_of, version=VERSION,
            artifact=DIGEST, trial=VERSION, who="model-refresh", reason="r",
        )  # fmt: skip
        _add(store.champion, entry)
    promotion = Promotion(
        as_of=as_of, decision=verdict.decision, sentence="s", verdict=verdict.digest(),
        entry=number, champion=VERSION,
    )  # fmt: skip
    _add(store.promotions(as_of), promotion)


def _meet(model: Model, store: ModelStore, as_of: dt.datetime, *, is_mature: bool) -> None:
    """What comes of a frame beside a refresh: a batch, drift, and grades once labels are there."""
    batch = Scores(
        as_of=as_of, frame=DIGEST, entry=1, champion=VERSION, challenger=None, rows=300,
        content=DIGEST,
    )  # fmt: skip
    _add(store.scores(as_of), batch)
    drift = Drift(
        as_of=as_of, frame=DIGEST, version=VERSION, entry=1, limits=DIGEST, rows=300,
        reference_rows=900, weighted=0.1,
    )  # fmt: skip
    _add(store.drifts(as_of), drift)
    if is_mature:
        metric = model.primary_metric
        grades = Performance(
            as_of=as_of, batch=DIGEST, entry=1, champion=VERSION, primary=metric, rows=300,
            graded=(Graded(role="champion", version=VERSION, metrics={metric: 0.5}),),
            promised=(Promised(metric=metric, value=0.5, realised=0.5),),
        )  # fmt: skip
        _add(store.performances(as_of), grades)


def _add(log: Log[R], record: R) -> None:
    """A line whose number is known already: none is listed to find it."""
    log.append(record, number=getattr(record, "number", 1), cost=Cost(seconds=1, cpu_seconds=1))


def _stopped(instant: dt.datetime) -> Callable[[], dt.datetime]:
    return lambda: instant


def _alerts(models: list[Model], store: Store) -> Callable[[dt.datetime], object]:
    known = Known(memo=Memo())

    def one_pass(now: dt.datetime) -> object:
        found = open_alerts(models, [], store=store, now=now, known=known)
        leave_sign(store, known, now)
        return found

    return one_pass


def _overview(models: list[Model], store: Store) -> Callable[[dt.datetime], object]:
    return lambda now: write_overview(models, [], store=store, now=now)


def _cpu_seconds(one_pass: Callable[[dt.datetime], object], now: dt.datetime) -> float:
    begun = time.process_time()
    one_pass(now)
    return time.process_time() - begun


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--models", type=int, default=1000)
    parser.add_argument("--every", nargs="+", choices=tuple(EVERY), default=tuple(EVERY))
    return parser.parse_args()


if __name__ == "__main__":
    main()
