"""The command `why`: the verdict of a refresh, gate by gate."""

import datetime as dt

from model_refresh.cli.shared import (
    FLEET,
    HOME,
    FleetFolder,
    Home,
    Json,
    MaybeAsOf,
    Name,
    find_model,
    newest_refresh,
    plain,
    print_json,
    print_table,
    say,
    store_of,
)
from model_refresh.errors import NotStored
from model_refresh.records import Comparison, GateResult
from model_refresh.storage import ModelStore
from model_refresh.storage.store import stamp

_SHOWN = 5


def why(
    name: Name,
    as_of: MaybeAsOf = None,
    json: Json = False,
    fleet: FleetFolder = FLEET,
    home: Home = HOME,
) -> None:
    """Tell the verdict of a refresh, gate by gate."""
    model = find_model(name, fleet)
    store = store_of(model, home)
    when = model.cadence.parse(as_of) if as_of is not None else newest_refresh(model, store)
    line = store.verdicts(when).last()
    judged = store.comparisons(when).holding(line.record.comparison) if line else None
    if line is None or judged is None:
        raise NotStored(_why_not(store, when))
    verdict, comparison = line.record, judged.record
    if json:
        print_json({"verdict": plain(verdict), "comparison": plain(comparison)})
        return
    say(f"{stamp(when)} {verdict.decision}: {verdict.sentence}")
    for each in [*_sides(comparison), *comparison.notes]:
        say(f"  {each}")
    for gate in verdict.gates:
        say(f"\n{gate.gate}: {gate.outcome.replace('_', ' ')}")
        say(f"  {gate.sentence}")
        if gate.value is not None:
            say(f"  {_figures(gate)}")
    _print_metrics(comparison)


def _sides(comparison: Comparison) -> list[str]:
    """Who was compared, and on what."""
    if comparison.trial is None:
        return ["no candidate could be fitted"]
    frames = ", ".join(stamp(instant) for instant in comparison.holdout)
    sides = [f"challenger: {comparison.challenger} {comparison.trial}"]
    if (met := comparison.incumbent) is not None:
        rebuilt = ", fitted again as its trial twin was lost" if met.rebuilt else ""
        sides.append(f"incumbent: {met.trial}, trial twin of {met.version}{rebuilt}")
    return [*sides, f"holdout: {comparison.rows:,} rows of {frames}"]


def _figures(gate: GateResult) -> str:
    told = [f"value {gate.value:.4g}"]
    if gate.threshold is not None:
        told.append(f"threshold {gate.threshold:.4g}")
    if (interval := gate.interval) is not None:
        bounds = f"bounds {interval.lower:.4g} and {interval.upper:.4g}"
        told.append(f"{bounds}, each at {100 * interval.confidence:.4g}%")
    return ", ".join(told)


def _print_metrics(comparison: Comparison) -> None:
    if not comparison.metrics:
        return
    say("")
    rows = [
        {
            "metric": name,
            "challenger": judged.challenger,
            "incumbent": judged.incumbent,
            "constant": judged.constant,
        }
        for name, judged in comparison.metrics.items()
    ]
    print_table(["metric", "challenger", "incumbent", "constant"], rows)


def _why_not(store: ModelStore, as_of: dt.datetime) -> str:
    about = f"{store.name}, refresh of {stamp(as_of)}"
    names = store.refreshed()
    if stamp(as_of) not in names:
        newest = f"the newest are {', '.join(names[-_SHOWN:])}" if names else "there was none yet"
        return f"{about}: nothing is stored of it; {newest}"
    reached = "comparison" if store.comparisons(as_of).last() else "dataset"
    return f"{about}: it was not judged, it stopped after the step {reached}; run it again"
