"""What a person sees on an asset's page. One sanitizer: every number becomes a plain float."""

import math
from collections.abc import Iterable, Mapping
from pathlib import Path

import dagster as dg

from model_refresh.records import (
    Candidate,
    Challenger,
    Column,
    Comparison,
    Cost,
    Dataset,
    Frame,
    Promotion,
    Scores,
    Verdict,
)
from model_refresh.storage import Line
from model_refresh.storage.store import stamp

Metadata = dict[str, dg.MetadataValue]


def number(value: float) -> dg.MetadataValue:
    """A plain float; what isn't finite is told as text, which no plot trips over."""
    plain = float(value)
    return (
        dg.MetadataValue.float(plain) if math.isfinite(plain) else dg.MetadataValue.text(str(plain))
    )


def metrics(values: Mapping[str, float]) -> Metadata:
    """Metrics under the same labels on every asset, so that the page plots them over time."""
    return {name: number(value) for name, value in values.items()}


def table(rows: Iterable[Mapping[str, object]]) -> dg.MetadataValue:
    """A table of texts and numbers; None becomes an empty cell."""
    records = [dg.TableRecord({name: _cell(value) for name, value in row.items()}) for row in rows]
    if not records:
        return dg.MetadataValue.text("none")
    return dg.MetadataValue.table(records)


def of_frame(frame: Frame, place: Path) -> Metadata:
    """Of the asset `features`."""
    return {
        "dagster/row_count": dg.MetadataValue.int(frame.rows),
        "dagster/uri": dg.MetadataValue.text(str(place)),
        "dagster/column_schema": dg.MetadataValue.table_schema(schema(frame.columns)),
        "as_of": dg.MetadataValue.text(stamp(frame.as_of)),
        "backfilled": dg.MetadataValue.bool(frame.backfilled),
        "query": dg.MetadataValue.text(frame.query),
        "content": dg.MetadataValue.text(frame.content),
    }


def of_dataset(dataset: Dataset) -> Metadata:
    """Of the asset `dataset`."""
    plan = dataset.plan
    parts = {
        "tuning fits": plan.tuning,
        "validation": plan.validation,
        "trial": plan.trial,
        "holdout": plan.holdout,
        "final": plan.final,
    }
    return {
        "dagster/row_count": dg.MetadataValue.int(sum(pair.labels.rows for pair in dataset.frames)),
        "label_mean": number(dataset.frames[-1].labels.mean),
        "frames": table(
            {
                "as_of": stamp(pair.as_of),
                "rows": pair.labels.rows,
                "label mean": round(pair.labels.mean, 5),
                "labels known at": stamp(pair.labels.known_at),
                "serves": ", ".join(name for name, part in parts.items() if pair.as_of in part),
            }
            for pair in dataset.frames
        ),
        "features": dg.MetadataValue.int(len(dataset.features)),
        "checks": table(
            {"check": c.name, "outcome": c.outcome, "sentence": c.sentence} for c in dataset.checks
        ),
        "notes": dg.MetadataValue.text("; ".join(plan.notes) or "none"),
        "digest": dg.MetadataValue.text(dataset.digest()),
    }


def of_candidate(line: Line[Candidate]) -> Metadata:
    """Of an asset below `candidates`."""
    candidate = line.record
    if candidate.failure is not None:
        return {"failure": dg.MetadataValue.text(candidate.failure)}
    parameters = candidate.recipe.parameters if candidate.recipe else {}
    return {
        **metrics(candidate.validation),
        **of_cost(line.cost),
        "version": dg.MetadataValue.text(candidate.version or "none"),
        "parameters": dg.MetadataValue.json(dict(parameters)),
        "trials": dg.MetadataValue.int(len(candidate.trials)),
        "repeatable": dg.MetadataValue.bool(candidate.repeatable),
    }


def of_cost(cost: Cost | None) -> Metadata:
    """What a step used, by the meter."""
    if cost is None:
        return {}
    return {
        "seconds": number(cost.seconds),
        "cpu_seconds": number(cost.cpu_seconds),
        "peak_mib": number(cost.peak_mib),
    }


def of_comparison(comparison: Comparison, candidates: Iterable[Candidate]) -> Metadata:
    """Of the asset `comparison`: the leaderboard, and all three on the same holdout rows."""
    incumbent = comparison.incumbent
    return {
        **metrics({name: m.challenger for name, m in comparison.metrics.items()}),
        "challenger": dg.MetadataValue.text(comparison.challenger or "none could be fitted"),
        "incumbent": dg.MetadataValue.text(
            "none" if incumbent is None else incumbent.incomparable or incumbent.version
        ),
        "dagster/row_count": dg.MetadataValue.int(comparison.rows),
        "on the holdout": table(
            {
                "metric": name,
                "challenger": m.challenger,
                "incumbent": m.incumbent,
                "constant": m.constant,
                "gain over incumbent": m.gain_over_incumbent and m.gain_over_incumbent.estimate,
                "at least": m.gain_over_incumbent and m.gain_over_incumbent.lower,
            }
            for name, m in comparison.metrics.items()
        ),
        "leaderboard (validation)": table(
            {"candidate": c.name, **(c.validation or {"failure": c.failure})} for c in candidates
        ),
        "notes": dg.MetadataValue.text("; ".join(comparison.notes) or "none"),
        "digest": dg.MetadataValue.text(comparison.digest()),
    }


def of_verdict(verdict: Verdict) -> Metadata:
    """Of the check `promotion_gate`."""
    return {
        "decision": dg.MetadataValue.text(verdict.decision),
        "sentence": dg.MetadataValue.text(verdict.sentence),
        "gates": table(
            {"gate": g.gate, "outcome": g.outcome, "sentence": g.sentence} for g in verdict.gates
        ),
        "digest": dg.MetadataValue.text(verdict.digest()),
    }


def of_challenger(line: Line[Challenger]) -> Metadata:
    """Of the asset `challenger`."""
    challenger = line.record
    return {
        **of_cost(line.cost),
        "version": dg.MetadataValue.text(challenger.version or "none: the incumbent stays"),
        "trial twin": dg.MetadataValue.text(challenger.trial or "none"),
        "checks": table(
            {"check": c.name, "outcome": c.outcome, "sentence": c.sentence}
            for c in challenger.checks
        ),
    }


def of_promotion(promotion: Promotion, comparison: Comparison) -> Metadata:
    """Of the asset `champion`: who is in production now, and why."""
    promoted, judged = promotion.decision == "promote", comparison.metrics
    values = {name: m.challenger if promoted else m.incumbent for name, m in judged.items()}
    return {
        **metrics({name: value for name, value in values.items() if value is not None}),
        "as_of": dg.MetadataValue.text(stamp(promotion.as_of)),
        "decision": dg.MetadataValue.text(promotion.decision),
        "sentence": dg.MetadataValue.text(promotion.sentence),
        "champion": dg.MetadataValue.text(promotion.champion or "none yet"),
        "entry": dg.MetadataValue.int(promotion.entry or 0),
    }


def of_scores(scores: Scores, place: Path) -> Metadata:
    """Of the asset `scores`."""
    empty = "the frame has 0 rows: an empty batch was published" if not scores.rows else "none"
    return {
        "dagster/row_count": dg.MetadataValue.int(scores.rows),
        "dagster/uri": dg.MetadataValue.text(str(place)),
        "champion": dg.MetadataValue.text(scores.champion),
        "entry": dg.MetadataValue.int(scores.entry),
        "challenger": dg.MetadataValue.text(scores.challenger or "none"),
        "warning": dg.MetadataValue.text(empty),
    }


def schema(columns: Iterable[Column]) -> dg.TableSchema:
    """The columns of a frame."""
    return dg.TableSchema([dg.TableColumn(c.name, c.stored_as) for c in columns])


def _cell(value: object) -> str | int | float | bool:
    if value is None:
        return ""
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else str(value)
    return value if isinstance(value, str | int | bool) else str(value)
