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
from model_refresh.cli.trial import trial_lines, trial_of
from model_refresh.config.model import Model
from model_refresh.errors import NotDue, NotStored
from model_refresh.gates import sentences
from model_refresh.metrics.catalogue import in_order
from model_refresh.records import Comparison, GateResult, Verdict
from model_refresh.refresh.approval import waiting
from model_refresh.refresh.champion import promoted_by
from model_refresh.refresh.clearance import failed_test
from model_refresh.splits import plan_frames
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
        raise NotStored(_why_not(model, store, when))
    verdict, comparison = line.record, judged.record
    if json:
        trial = trial_of(store, verdict)
        shown = {"verdict": plain(verdict), "comparison": plain(comparison)}
        print_json({**shown, "trial_scores": trial and plain(trial)})
        return
    say(f"{stamp(when)} {verdict.decision}: {verdict.sentence}")
    meaning = [*_meaning(name, verdict, comparison), *_since(store, verdict)]
    for each in [*meaning, *_sides(comparison), *comparison.notes]:
        say(f"  {each}")
    for gate in verdict.gates:
        say(f"\n{gate.gate}: {gate.outcome.replace('_', ' ')}")
        say(f"  {gate.sentence}")
        if gate.value is not None:
            say(f"  {_figures(gate)}")
    for each in trial_lines(trial_of(store, verdict)):
        say(each)
    _print_metrics(comparison)
    for each in _beside(comparison):
        say(f"\n{each}")


def _meaning(name: str, verdict: Verdict, comparison: Comparison) -> list[str]:
    """What follows from the decision, for who meets it for the first time."""
    if comparison.incumbent is not None and comparison.incumbent.incomparable is not None:
        return [
            "the champion and the new version can't be held against each other, so nothing was "
            "decided between them; the champion stays in production until a person acts",
            f"to start anew: model-refresh promote {name} VERSION --force --reason ...; to keep "
            "the champion's question: put back the label and the key that it was made for",
        ]
    if verdict.decision == "reject":
        return ["something is wrong, a person must look; production is as it was"]
    if verdict.decision == "promote":
        return []
    unsure = all(gate.passes or gate.outcome == "inconclusive" for gate in verdict.gates)
    return [
        "the champion stays: these rows don't tell whether the challenger is good enough"
        if unsure
        else "the champion stays: the challenger is not good enough, which is a normal ending"
    ]


def _since(store: ModelStore, verdict: Verdict) -> list[str]:
    """What became of a challenger that the gates let pass, where it is not in production."""
    if verdict.decision != "promote" or promoted_by(store, verdict) is not None:
        return []
    if (failed := failed_test(store, verdict)) is not None:
        return [f"the gates let it pass, and a test kept it back: {failed.name}: {failed.sentence}"]
    asked = waiting(store)
    if asked is None or asked.promotion.verdict != verdict.digest():
        return ["it is not in production: model-refresh history tells how its refresh ended"]
    return [asked.promotion.sentence.removesuffix(f" ({verdict.sentence})")]


def _beside(comparison: Comparison) -> list[str]:
    """What a decision does not rest on and is worth knowing."""
    said = []
    primary = comparison.metrics.get(comparison.primary)
    if primary is not None and (told := sentences.detectable(primary, comparison)) is not None:
        said.append(told)
    if (test := comparison.discovery) is not None:
        said.append(
            f"test {test.number} of the fleet under {test.rule} at a rate of {test.rate:g}: it "
            f"was allowed an error of {test.level:.2g}"
        )
    if comparison.freshness is not None:
        said.append(comparison.freshness.sentence)
    return said


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
    judged = comparison.metrics
    rows = [
        {
            "metric": name,
            "challenger": judged[name].challenger,
            "incumbent": judged[name].incumbent,
            "constant": judged[name].constant,
        }
        for name in in_order(judged, first=comparison.primary)
    ]
    print_table(["metric", "challenger", "incumbent", "constant"], rows)


def _why_not(model: Model, store: ModelStore, as_of: dt.datetime) -> str:
    """Why there is no decision, and what brings one about."""
    about = f"{store.name}, refresh of {stamp(as_of)}"
    again = f"model-refresh refresh {store.name} --as-of {stamp(as_of)}"
    if as_of not in store.refreshed():
        try:
            plan_frames(as_of, cadence=model.cadence, sizes=model.sizes)
        except NotDue as error:
            return f"{about}: there is no decision, as {error}"
        newest = ", ".join(stamp(instant) for instant in store.refreshed()[-_SHOWN:])
        said = f"the newest are {newest}" if newest else "there was none yet"
        return f"{about}: nothing is stored of it; {said}; to run it: {again}"
    return f"{about}: it was not judged: {_reached(model, store, as_of)}; to go on: {again}"


def _reached(model: Model, store: ModelStore, as_of: dt.datetime) -> str:
    if store.comparisons(as_of).last() is not None:
        return "it was compared, and then stopped before its gates were asked"
    if store.datasets(as_of).last() is None:
        return "it stopped before its dataset was whole"
    names = [each.algorithm for each in model.spec.training.in_order]
    missing = [name for name in names if store.candidates(as_of, name).last() is None]
    if missing:
        return f"its dataset is there, and it stopped before {', '.join(missing)} was fitted"
    return "its candidates are there, and it stopped before they were compared"
