"""Six ways in which a judgement is spoiled by what was seen before: each is refused.

And 200 refreshes of other cadences, horizons and windows, all clean, are not.
"""

import datetime as dt
import random
from collections.abc import Callable

import numpy as np
import pytest

from model_refresh.algorithms.version import load_version, publish_version
from model_refresh.errors import Contaminated, ModelRefreshError, PromotionRefused
from model_refresh.metrics import Holdout, Predicted, evaluate, metric
from model_refresh.records import Candidate, Dataset, Definition, Lineage
from model_refresh.refresh.comparison import compare
from model_refresh.refresh.contamination import require_own_figures
from model_refresh.refresh.override import override
from model_refresh.refresh.resume import (
    resume_comparison,
    resume_promotion,
    resume_verdict,
    stored_dataset,
)
from model_refresh.refresh.verdict import give_verdict
from model_refresh.splits import Cadence, Sizes, first_refresh, plan_frames
from model_refresh_tests.conftest import FIRST, SECOND
from model_refresh_tests.lab import Lab


def candidate_of(lab: Lab) -> tuple[Dataset, Candidate]:
    line = lab.store.candidates(lab.day(SECOND), "linear").last()
    assert line is not None
    return stored_dataset(lab.model, lab.store, lab.day(SECOND)), line.record


def champion_saw_the_holdout(lab: Lab) -> str:
    """The deployed twin, which learned through the newest label, put in as if judged itself."""
    dataset, _ = candidate_of(lab)
    version = lab.store.champion.line(1).record.version
    lineage = load_version(lab.store, version).lineage
    late = lab.day(FIRST)
    assert late in dataset.plan.holdout
    assert lineage.known_at <= late
    seen = tuple(pair for pair in dataset.frames if pair.as_of <= late)
    saw = lineage.model_copy(
        update={"frames": seen, "known_at": max(pair.labels.known_at for pair in seen)}
    )
    whole = load_version(lab.store, version)
    stored = publish_version(lab.store, whole.recipe, saw, predictor=whole.predictor)
    override(lab.store, stored.digest[:16], as_of=late, who="somebody", reason="a try")
    resume_comparison(lab.model, lab.store, lab.day(SECOND))
    verdict = resume_verdict(lab.model, lab.store, lab.day(SECOND)).record
    assert verdict.decision == "reject"
    return verdict.sentence


def challenger_saw_the_holdout(lab: Lab) -> str:
    return _compared_as(lab, lambda lineage, dataset: _through(lineage, dataset, honest=True))


def overlapping_label_windows(lab: Lab) -> str:
    """Its labels reach into the holdout, and its lineage says that they don't."""
    return _compared_as(lab, lambda lineage, dataset: _through(lineage, dataset, honest=False))


def one_table_for_both(lab: Lab) -> str:
    (lab.folder / "features.sql").write_text(
        "SELECT customer_id, sum(visited) AS visits, max(spend) AS most_spent FROM visits "
        "GROUP BY customer_id ORDER BY customer_id"
    )
    (lab.folder / "labels.sql").write_text(
        "SELECT customer_id, CAST(sum(visited) > 20 AS INTEGER) AS visited FROM visits "
        "GROUP BY customer_id"
    )
    with pytest.raises(Contaminated) as refusal:
        lab.again({}).refresh(SECOND + 1)
    return str(refusal.value)


def shared_entities(lab: Lab) -> str:
    strict = lab.again({"comparison.disjoint": "segment"})
    with pytest.raises(Contaminated) as refusal:
        resume_comparison(strict.model, strict.store, lab.day(SECOND))
    return str(refusal.value)


def recycled_figures(lab: Lab) -> str:
    """The comparison of an older refresh, whose holdout was another, under this one's date."""
    own = lab.store.comparisons(lab.day(SECOND)).lines()[-1].record
    old = lab.store.comparisons(lab.day(FIRST)).lines()[-1].record
    forged = own.model_copy(update={"metrics": old.metrics, "holdout": old.holdout})
    lab.store.comparisons(lab.day(SECOND)).record_once(forged, key="0" * 64)
    with pytest.raises(Contaminated) as refusal:
        give_verdict(lab.model, lab.store, forged)
    return str(refusal.value)


@pytest.mark.parametrize(
    ("planted", "reason"),
    [
        (champion_saw_the_holdout, "its trial twin learned from labels known on"),
        (challenger_saw_the_holdout, "are older than"),
        (one_table_for_both, "the queries give one table whatever"),
        (shared_entities, "which comparison.disjoint forbids"),
        (overlapping_label_windows, "are older than"),
        (recycled_figures, "its figures are of 2024-01-24, and the holdout is 2024-01-25"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_planted_contamination_is_refused(
    lab: Lab, planted: Callable[[Lab], str], reason: str
) -> None:
    champion = lab.store.champion.line(1).record
    assert reason in planted(lab)
    promoted = [x.record for x in lab.store.champion.lines() if x.record.kind == "promotion"]
    assert promoted == [champion], "nobody was promoted by it"


def test_recycled_figures_can_not_be_promoted_either(lab: Lab) -> None:
    """A verdict that was given before the rule, or by a forger."""
    resume_verdict(lab.model, lab.store, lab.day(SECOND))
    recycled_figures(lab)
    with pytest.raises(PromotionRefused):
        resume_promotion(lab.model, lab.store, lab.day(SECOND))


def test_the_same_comparison_untouched_is_judged(lab: Lab) -> None:
    line = lab.store.comparisons(lab.day(SECOND)).last()
    assert line is not None
    assert require_own_figures(lab.store, line.record).as_of == lab.day(SECOND)
    assert give_verdict(lab.model, lab.store, line.record).record.decision in {"promote", "retain"}


@pytest.mark.parametrize("seed", range(200))
def test_a_clean_refresh_is_not_refused(seed: int, refreshed: Lab) -> None:
    """Whatever the cadence and the label's horizon: the plan's own lineages may be judged."""
    rng = random.Random(seed)
    every = rng.choice(["1h", "6h", "1d", "7d", "1mo"])
    cadence = Cadence(every=every, start=dt.datetime(2020, 1, 6, tzinfo=dt.UTC))
    sizes = Sizes(
        horizon=rng.choice([dt.timedelta(hours=1), dt.timedelta(days=1), dt.timedelta(days=28)]),
        maturity=rng.choice([dt.timedelta(0), dt.timedelta(hours=5), dt.timedelta(days=9)]),
        window=rng.randint(2, 12),
        min_frames=2,
        holdout=rng.randint(1, 4),
        validation=rng.randint(1, 2),
    )
    as_of = cadence.start
    for _ in range(rng.randint(60, 400) if every != "1h" else 3000):
        as_of = cadence.next(as_of)
    due = max(as_of, first_refresh(cadence, sizes))
    plan = plan_frames(due, cadence=cadence, sizes=sizes)
    lineage = _planned_lineage(refreshed, plan.trial, plan.tuning + plan.validation, sizes)
    rows = np.array(
        [instant.replace(tzinfo=None) for instant in plan.holdout for _ in range(5)],
        dtype="datetime64[us]",
    )
    target = np.asarray(np.arange(len(rows)) % 2, dtype=np.float64)
    holdout = Holdout(target=target, group=np.arange(len(rows)), as_of=rows)
    predicted = Predicted(np.full(len(rows), 0.5), lineage.learned_until)
    assert evaluate(metric("log_loss"), holdout, predicted) == pytest.approx(np.log(2))


def _planned_lineage(
    lab: Lab, trained: tuple[dt.datetime, ...], used: tuple[dt.datetime, ...], sizes: Sizes
) -> Lineage:
    dataset = stored_dataset(lab.model, lab.store, lab.day(SECOND))
    pair, definition = dataset.frames[0], lab.model.definition
    label = definition.label.model_copy(
        update={"horizon": sizes.horizon, "maturity": sizes.maturity}
    )
    pairs = []
    for instant in trained:
        until = instant + sizes.horizon
        times = {"as_of": instant, "until": until, "known_at": until + sizes.maturity}
        frame = pair.frame.model_copy(update={"as_of": instant})
        labels = pair.labels.model_copy(update=times)
        pairs.append(pair.model_copy(update={"frame": frame, "labels": labels}))
    known_at = max(t + sizes.horizon + sizes.maturity for t in (*trained, *used))
    return Lineage(
        model="visits",
        twin="trial",
        definition=Definition(task="binary", frame=definition.frame, label=label),
        frames=tuple(pairs),
        known_at=known_at,
    )


def _through(lineage: Lineage, dataset: Dataset, *, honest: bool) -> Lineage:
    """The lineage of a fit through the frame whose label window ends in the holdout's."""
    frames = dataset.frames
    known_at = max(pair.labels.known_at for pair in frames) if honest else lineage.known_at
    return lineage.model_copy(update={"frames": frames, "known_at": known_at})


def _compared_as(lab: Lab, changed: Callable[[Lineage, Dataset], Lineage]) -> str:
    """What the comparison says of the challenger with another lineage."""
    dataset, candidate = candidate_of(lab)
    version = load_version(lab.store, candidate.version or "")
    stored = publish_version(
        lab.store,
        version.recipe,
        changed(version.lineage, dataset),
        predictor=version.predictor,
    )
    planted = candidate.model_copy(update={"version": stored.digest[:16]})
    with pytest.raises(ModelRefreshError) as refusal:
        compare(lab.model, lab.store, dataset, [planted])
    assert isinstance(refusal.value, Contaminated)
    return str(refusal.value)
