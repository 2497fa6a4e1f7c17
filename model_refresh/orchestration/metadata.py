"""What a person sees on an asset's page, of each record. Every value goes through `values`."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeVar

import dagster as dg

from model_refresh.gates import sentences
from model_refresh.metrics.catalogue import in_order
from model_refresh.orchestration.picture import reliability_picture
from model_refresh.orchestration.values import Metadata, metrics, number, table
from model_refresh.records import (
    Candidate,
    Challenger,
    Column,
    Comparison,
    Cost,
    Dataset,
    Delivery,
    Frame,
    Labels,
    MetricComparison,
    Promotion,
    Scores,
    SliceComparison,
    Verdict,
)
from model_refresh.storage import Line
from model_refresh.storage.store import stamp

V = TypeVar("V")


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


def of_dataset(dataset: Dataset, features: dg.AssetKey) -> Metadata:
    """Of the asset `dataset`; its columns are those of `features` that are learned from."""
    plan = dataset.plan
    parts = {
        "tuning fits": plan.tuning,
        "validation": plan.validated,
        "trial": plan.trial,
        "holdout": plan.holdout,
        "final": plan.final,
    }
    return {
        "dagster/row_count": dg.MetadataValue.int(sum(pair.labels.rows for pair in dataset.frames)),
        "dagster/column_schema": dg.MetadataValue.table_schema(schema(dataset.features)),
        "dagster/column_lineage": dg.MetadataValue.column_lineage(
            dg.TableColumnLineage(
                {c.name: [dg.TableColumnDep(features, c.name)] for c in dataset.features}
            )
        ),
        **_level(dataset.frames[-1].labels),
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


def _level(labels: Labels) -> Metadata:
    """The mean, or the share of each class, in the order of label.classes."""
    if not labels.shares:
        return {"label_mean": number(labels.mean)}
    return {f"label_share_{code}": number(share) for code, share in enumerate(labels.shares)}


def of_candidate(line: Line[Candidate]) -> Metadata:
    """Of an asset below `candidates`."""
    candidate = line.record
    if candidate.failure is not None:
        return {"failure": dg.MetadataValue.text(candidate.failure)}
    if candidate.dropped is not None:
        return {"dropped": dg.MetadataValue.text(candidate.dropped)}
    parameters = candidate.recipe.parameters if candidate.recipe else {}
    return {
        **metrics(candidate.validation),
        **of_cost(line.cost),
        "version": dg.MetadataValue.text(candidate.version or "none"),
        "parameters": dg.MetadataValue.json(dict(parameters)),
        "trials": dg.MetadataValue.int(len(candidate.trials)),
        "trials_given_up": dg.MetadataValue.int(sum(t.pruned for t in candidate.trials)),
        "search": dg.MetadataValue.text(candidate.search),
        "folds": dg.MetadataValue.int(len(candidate.folds)),
        "leans on": table(
            {"feature": name, "share": share}
            for name, share in sorted(candidate.learned.items(), key=lambda each: -each[1])
        ),
        "mixes": dg.MetadataValue.int(len(candidate.recipe.members) if candidate.recipe else 0),
        **({"note": dg.MetadataValue.text(candidate.note)} if candidate.note else {}),
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


def with_cost(result: dg.MaterializeResult[None], cost: Cost) -> dg.MaterializeResult[None]:
    """A step's result with what its body used, unless it tells of a cost itself."""
    return result._replace(metadata={**of_cost(cost), **(result.metadata or {})})


def of_comparison(
    comparison: Comparison, candidates: Iterable[Candidate], verdict: Verdict
) -> Metadata:
    """Of the asset `comparison`: all three on the same holdout rows, and what its gates make of it.

    `verdict` is what judging says now; the check keeps it.
    """
    incumbent = comparison.incumbent
    judged = _first(comparison.primary, comparison.metrics)
    primary = comparison.metrics.get(comparison.primary)
    power = primary and sentences.detectable(primary, comparison)
    freshness = comparison.freshness
    return {
        "sentence": dg.MetadataValue.text(f"{verdict.decision}: {verdict.sentence}"),
        "challenger": dg.MetadataValue.text(comparison.challenger or "none could be fitted"),
        "incumbent": dg.MetadataValue.text(
            "none" if incumbent is None else incumbent.incomparable or incumbent.version
        ),
        "on the holdout": table(_side_by_side(m) for m in judged.values()),
        "leaderboard (validation)": table(
            {
                "candidate": c.name,
                "chosen": c.name == comparison.challenger,
                **(_first(comparison.primary, c.validation) or _absence(c)),
            }
            for c in candidates
        ),
        "gates": gates(verdict),
        "slices": table(_slice(each) for each in comparison.slices),
        "predicted against actual": dg.MetadataValue.md(
            reliability_picture(comparison) or "nothing was compared"
        ),
        "what these rows can show": dg.MetadataValue.text(power or "not known"),
        "worth refreshing": dg.MetadataValue.text(freshness.sentence if freshness else "not known"),
        **metrics({name: m.challenger for name, m in judged.items()}),
        "dagster/row_count": dg.MetadataValue.int(comparison.rows),
        "notes": dg.MetadataValue.text("; ".join(comparison.notes) or "none"),
        "digest": dg.MetadataValue.text(comparison.digest()),
    }


def of_verdict(verdict: Verdict, report: Path | None) -> Metadata:
    """Of the check `promotion_gate`; `report` is the HTML page, where one is written."""
    page = {} if report is None else {"report": dg.MetadataValue.path(report)}
    return {
        **page,
        "decision": dg.MetadataValue.text(verdict.decision),
        "sentence": dg.MetadataValue.text(verdict.sentence),
        "gates": gates(verdict),
        "digest": dg.MetadataValue.text(verdict.digest()),
    }


def gates(verdict: Verdict) -> dg.MetadataValue:
    """Each gate's answer, as a table."""
    return table(
        {
            "gate": g.gate,
            "outcome": g.outcome,
            "value": g.value,
            "threshold": g.threshold,
            "sentence": g.sentence,
        }
        for g in verdict.gates
    )


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
    known = {name: value for name, value in values.items() if value is not None}
    return {
        "decision": dg.MetadataValue.text(promotion.decision),
        "sentence": dg.MetadataValue.text(promotion.sentence),
        "champion": dg.MetadataValue.text(promotion.champion or "none yet"),
        "as_of": dg.MetadataValue.text(stamp(promotion.as_of)),
        "entry": dg.MetadataValue.int(promotion.entry or 0),
        **metrics(_first(comparison.primary, known)),
    }


def of_scores(scores: Scores, place: Path, delivered: Delivery | None) -> Metadata:
    """Of the asset `scores`; `delivered` is None where there is no sink."""
    empty = () if scores.rows else ("the frame has 0 rows: an empty batch was published",)
    return {
        "dagster/row_count": dg.MetadataValue.int(scores.rows),
        "dagster/uri": dg.MetadataValue.text(str(place)),
        "champion": dg.MetadataValue.text(scores.champion),
        "entry": dg.MetadataValue.int(scores.entry),
        "challenger": dg.MetadataValue.text(scores.challenger or "none"),
        "notes": dg.MetadataValue.text("; ".join([*empty, *scores.notes]) or "none"),
        **(of_delivery(delivered) if delivered is not None else {}),
    }


def of_delivery(delivery: Delivery) -> Metadata:
    """Where a batch was copied to."""
    return {
        "sink": dg.MetadataValue.text(delivery.place),
        "delivered rows": dg.MetadataValue.int(delivery.rows),
    }


def schema(columns: Iterable[Column]) -> dg.TableSchema:
    """The columns of a frame."""
    return dg.TableSchema([dg.TableColumn(c.name, c.stored_as) for c in columns])


def _side_by_side(judged: MetricComparison) -> Mapping[str, object]:
    gain = judged.gain_over_incumbent
    return {
        "metric": judged.metric,
        "challenger": judged.challenger,
        "incumbent": judged.incumbent,
        "constant": judged.constant,
        "gain over incumbent": gain and gain.estimate,
        "at least": gain and gain.lower,
    }


def _absence(candidate: Candidate) -> dict[str, str | None]:
    """Why it has no values: what went wrong, or why it stayed away."""
    if candidate.dropped is not None:
        return {"left out": candidate.dropped}
    return {"failure": candidate.failure}


def _slice(judged: SliceComparison) -> Mapping[str, object]:
    gain = judged.gain
    return {
        "slice": judged.slice.label,
        "found": judged.slice.source,
        "rows": judged.rows,
        judged.metric: judged.challenger,
        "incumbent": judged.incumbent,
        "gain over incumbent": gain and gain.estimate,
        "at least": gain and gain.lower,
    }


def _first(primary: str, values: Mapping[str, V]) -> dict[str, V]:
    """The same with the metric that decides at the beginning."""
    return {name: values[name] for name in in_order(values, first=primary)}
