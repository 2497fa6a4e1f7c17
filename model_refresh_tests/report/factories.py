"""Facts of a report: everything that a comparison can show, and less of it."""

import datetime as dt
import math
from dataclasses import replace
from pathlib import Path

import numpy as np

from model_refresh.config.model import Model
from model_refresh.gates import decide
from model_refresh.records import (
    Aged,
    Candidate,
    CheckResult,
    Clause,
    Column,
    Comparison,
    Curves,
    Dataset,
    Decision,
    Discovery,
    Entry,
    Footprint,
    Frame,
    FramePlan,
    Freshness,
    GateResult,
    HistogramBin,
    Incumbent,
    LabelledFrame,
    Labels,
    Lineage,
    Migration,
    MoverProfile,
    Recipe,
    ReliabilityBin,
    Slice,
    SliceComparison,
    Task,
    Trial,
    Verdict,
)
from model_refresh.report.facts import Facts, Held
from model_refresh_tests.factories import make_model
from model_refresh_tests.gates.factories import (
    DIGEST,
    MONDAY,
    make_comparison,
    make_incumbent,
    make_interval,
    make_values,
)

EVIL = "<script>alert(\"x\")</script> & '<b>' <img src=https://example.com/x>"
WEEK = dt.timedelta(days=7)
_RNG = np.random.default_rng(3)


def make_facts(folder: Path, **changes: object) -> Facts:
    """A report with everything in it; `changes` replace fields of the facts."""
    task = changes.pop("task", "binary")
    name = changes.pop("feature", "segment")
    model = make_model(
        folder,
        task="regression" if task == "regression" else "binary",
        owners=["team:crm"],
        description="Will a customer buy again within four weeks?",
        assumes_known=["recency"],
    )
    facts = facts_of(model, task=task, feature=str(name))  # type: ignore[arg-type]
    return replace(facts, **changes)  # type: ignore[arg-type]


def facts_of(model: Model, *, task: Task, feature: str) -> Facts:
    """The same about a given model; `feature` is a name that appears wherever one can."""
    comparison = rich_comparison(task, feature)
    frames = tuple(make_frame(MONDAY - WEEK * n) for n in range(12, 3, -1))
    definition = model.definition.model_copy(
        update={
            "task": task,
            "label": model.definition.label.model_copy(
                update={"classes": ("gold", feature, "none") if task == "multiclass" else ()}
            ),
        }
    )
    lineage = Lineage(
        model=model.name, twin="trial", definition=definition, frames=frames[1:], known_at=MONDAY
    )
    recipe = make_recipe(feature)
    shares = {feature: 0.42, "spend": 0.3, "recency": 0.17, "purchases": 0.1, "age": 0.004}
    new = Held("1f2e3d4c5b6a7980", recipe, lineage, shares)
    old = Held(
        "8a7b6c5d4e3f2a1b",
        recipe.model_copy(
            update={
                "features": recipe.features[1:],
                "parameters": {**recipe.parameters, "num_leaves": 17, "rounds": 123},
            }
        ),
        lineage.model_copy(update={"frames": frames[:-1], "known_at": MONDAY - WEEK}),
        {"spend": 0.51, "recency": 0.3, "purchases": 0.19},
    )
    return Facts(
        model=model,
        verdict=make_verdict(comparison, "promote"),
        comparison=comparison,
        dataset=make_dataset(frames, feature),
        candidates=make_candidates(recipe, feature),
        challenger=new,
        incumbent=old,
        entry=Entry(
            number=3, prev=DIGEST, kind="promotion", as_of=MONDAY - WEEK, version="v3",
            artifact=DIGEST, trial="t3", who="dagster", reason="passed",
        ),
    )  # fmt: skip


def rich_comparison(task: Task, feature: str) -> Comparison:
    """All evidence that a comparison can hold."""
    base = make_comparison(task="binary" if task == "multiclass" else task)
    metrics = {
        name: make_values(
            name, gain=gain, half_width=0.004, constant=0.4 if gain > 0 else None
        ).model_copy(
            update={
                "challenger_interval": make_interval(each.challenger, 0.012),
                "incumbent_interval": make_interval((each.incumbent or 0) + 0.001, 0.013),
                "detectable": 0.0061,
            }
        )
        for (name, each), gain in zip(
            base.metrics.items(),
            [0.0102, 0.0031, -0.0072, 0.0005, 0.02, 0.001, -0.11],
            strict=False,
        )
    }
    return base.model_copy(
        update={
            "task": task,
            "metrics": metrics,
            "incumbent": make_incumbent(),
            "slices": make_slices(feature),
            "curves": {
                "challenger": make_curves(task, 0.02),
                "incumbent": make_curves(task, -0.05),
            },
            "migration": make_migration(3 if task == "multiclass" else 10, feature),
            "staleness": make_former(),
            "freshness": Freshness(
                advice="monthly",
                sentence="A week of age costs 0.0011 of log loss (0.0004 to 0.0018): refreshing "
                "monthly stays within the margin.",
                loss_a_week=make_interval(0.0011, 0.0007),
                refreshes=9,
                points=31,
            ),
            "footprint": Footprint(size_bytes=412_345, latency_ms=0.83),
            "discovery": Discovery(number=17, level=0.0042, rule="LORD++", rate=0.05),
            "notes": ("the label of 3 rows was corrected after it was first known",),
        }
    )


def make_verdict(comparison: Comparison, decision: Decision | None = None) -> Verdict:
    """Three gates' answers."""
    gates = (
        GateResult(
            gate="beats_constant", outcome="passed", severity="reject", metric=comparison.primary,
            value=0.15, threshold=0.0, interval=make_interval(0.15, 0.02),
            sentence="log loss 0.2500 against the constant's 0.4000: better by at least 0.1300",
        ),
        GateResult(
            gate="non_inferior", outcome="passed", severity="retain", metric=comparison.primary,
            value=0.0062, threshold=-0.004, interval=make_interval(0.0102, 0.004),
            sentence="log loss 0.2500 against the incumbent's 0.2602: better by 0.0102, at least "
            "0.0062; worse by 0.004 would be accepted",
        ),
        GateResult(
            gate="calibration", outcome="not_applicable", severity="retain",
            sentence="no calibration is asked of a first version",
        ),
    )  # fmt: skip
    decided, sentence = decide(gates)
    return Verdict(
        as_of=comparison.as_of,
        decision=decision or decided,
        sentence=sentence,
        gates=gates,
        comparison=comparison.digest(),
        artifact=comparison.artifact,
        dataset=comparison.dataset,
        champion=DIGEST,
        policy="1" * 64,
        code="2" * 64,
    )


def make_curves(task: Task, shift: float) -> Curves:
    """Ten bins that lean by `shift`; of a regression in hundreds."""
    unit = 300.0 if task == "regression" else 1.0
    places = [0.01, 0.03, 0.05, 0.08, 0.12, 0.17, 0.24, 0.33, 0.47, 0.71]
    bins = tuple(
        ReliabilityBin(
            rows=236,
            predicted=p * unit,
            actual=(p + shift * p) * unit,
            lower=(p + shift * p - 0.2 * p) * unit,
            upper=(p + shift * p + 0.2 * p) * unit if p < 0.6 else math.nan,
        )
        for p in places
    )
    found = tuple((x / 20, min(1.0, (x / 20) ** (0.4 - shift))) for x in range(21))
    edges = np.linspace(0, 0.96, 25) * unit
    shares = np.exp(-np.linspace(0, 5, 24) * (1 + shift))
    shares /= shares.sum()
    scores = tuple(
        HistogramBin(low=float(a), high=float(b), share=float(s))
        for a, b, s in zip(edges[:-1], edges[1:], shares, strict=True)
    )
    return Curves(reliability=bins, gains=found, scores=scores)


def make_slices(feature: str) -> tuple[SliceComparison, ...]:
    """Declared and discovered parts of the rows."""
    parts = [
        ("declared", (Clause(column=feature, values=("gold",)),), "", 812, 0.004),
        ("declared", (Clause(column=feature, values=("silver", feature)),), "", 1102, 0.013),
        ("declared", (), feature, 31, -0.021),
        (
            "discovered",
            (Clause(column="orders", low=3, high=7), Clause(column="age")),
            "",
            209,
            -0.03,
        ),
    ]
    return tuple(
        SliceComparison(
            slice=Slice(source=source, clauses=clauses, pool=pool),
            metric="log_loss",
            rows=rows,
            challenger=0.25 + gain,
            incumbent=0.25 + 2 * gain,
            gain=make_interval(gain, 0.4 / math.sqrt(rows)),
        )
        for source, clauses, pool, rows, gain in parts
    )


def make_migration(size: int, feature: str) -> Migration:
    """Most rows stay near the diagonal."""
    moves = tuple(
        tuple(round(200 * math.exp(-1.3 * abs(i - j))) for j in range(size)) for i in range(size)
    )
    return Migration(
        moves=moves,
        decile_share=0.4312,
        tiers=(0.2, 0.6),
        tier_share=0.0371,
        correlation=0.9412,
        risers=112,
        fallers=98,
        profiles=(
            MoverProfile(feature=feature, everybody=12.0, risers=None, fallers=3.0),
            MoverProfile(feature="spend", everybody=103.25, risers=240.5, fallers=55.0),
        ),
    )


def make_former() -> tuple[Aged, ...]:
    """Champions of the last weeks; the oldest can't be judged."""
    judged = [
        Aged(
            version=f"{n}{'0f1e2d3c4b5a697'}"[:16],
            entry=9 - n,
            age_days=7.0 * n + 28,
            value=0.25 + 0.002 * n,
            gain=make_interval(0.002 * n - 0.001, 0.003),
            recalibrated=0.0005 * n,
        )
        for n in range(1, 6)
    ]
    why = "version 8a7b6c5d4e3f2a1b is missing from the store"
    return (
        *judged,
        Aged(version="8a7b6c5d4e3f2a1b", entry=2, age_days=0.0, value=None, why_not=why),
    )


def make_frame(as_of: dt.datetime) -> LabelledFrame:
    """2,300 rows or so, and their labels four weeks later."""
    rows = 2200 + as_of.day * 7
    frame = Frame(
        as_of=as_of, query=DIGEST, content=f"{as_of.day:02d}ab" * 16, rows=rows, columns=(),
        key=("customer_id",), backfilled=False,
    )  # fmt: skip
    labels = Labels(
        as_of=as_of, until=as_of + 4 * WEEK, known_at=as_of + 4 * WEEK, query=DIGEST,
        frame=frame.content, content=f"{as_of.day:02d}cd" * 16, rows=rows,
        mean=0.1 + as_of.day / 1000, spread=0.3,
    )  # fmt: skip
    return LabelledFrame(frame=frame, labels=labels)


def make_dataset(frames: tuple[LabelledFrame, ...], feature: str) -> Dataset:
    """The frames with their plan and checks."""
    instants = tuple(each.as_of for each in frames)
    return Dataset(
        as_of=MONDAY,
        definition=DIGEST,
        plan=FramePlan(
            as_of=MONDAY, tuning=instants[:-2], validation=instants[-2:-1], trial=instants[:-1],
            holdout=instants[-1:], final=instants[1:],
            notes=("8 of 12 frames: there are no older ones",),
        ),
        frames=frames,
        current=make_frame(MONDAY).frame,
        features=make_recipe(feature).features,
        categorical=(feature,),
        ignored=("loyalty",),
        checks=(
            CheckResult(name="row_count", outcome="passed", sentence="2,347 rows, as usual"),
            CheckResult(name="nulls", outcome="noted", sentence=f"{feature} is null on 12% of rows"),
        ),
    )  # fmt: skip


def make_recipe(feature: str) -> Recipe:
    """Trees on five features."""
    types = {feature: "text", "spend": "number", "recency": "integer", "purchases": "integer", "age": "number"}  # fmt: skip
    return Recipe(
        algorithm="lightgbm",
        options={"rounds": 1000},
        parameters={
            "learning_rate": 0.048713, "num_leaves": 31, "lambda_l2": 5.2, "rounds": 141,
            "deterministic": True,
        },
        features=tuple(Column(name=n, type=t, stored_as=t) for n, t in types.items()),
        categorical=(feature,),
        seed=0,
    )  # fmt: skip


def make_candidates(recipe: Recipe, feature: str) -> tuple[Candidate, ...]:
    """One chosen, one other, the constant, and one that failed."""

    def one(name: str, loss: float | None, failure: str | None = None) -> Candidate:
        values = {} if loss is None else {"log_loss": loss, "roc_auc": 1 - loss}
        return Candidate(
            as_of=MONDAY, name=name, dataset=DIGEST, failure=failure, recipe=recipe,
            version="v", validation=values, trials=(Trial(parameters={}, loss=1.0),) * 7,
            repeatable=name != "lightgbm",
        )  # fmt: skip

    return (
        one("constant", 0.4),
        one("linear", 0.262),
        one("lightgbm", 0.2511),
        one("forest", None, f"column {feature} holds infinite values"),
    )


def incomparable() -> Incumbent:
    """An incumbent that can't be judged."""
    return make_incumbent(incomparable=f"its SQL no longer runs: no column {EVIL}")
