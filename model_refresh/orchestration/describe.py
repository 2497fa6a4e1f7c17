"""How an asset presents itself: group, kinds, owners, tags, its SQL, and where that stands."""

import warnings
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Required, TypedDict

import dagster as dg

from model_refresh.config.model import Model
from model_refresh.orchestration.freshness import freshness
from model_refresh.orchestration.names import (
    CHALLENGER,
    CHAMPION,
    COMPARISON,
    DATASET,
    FEATURES,
    MODEL_TAG,
    PERFORMANCE,
    SCORER,
    SCORES,
    TRIAL_SCORES,
    key,
    partitions,
)

_SAYS = {
    FEATURES: "The rows to be scored at this as_of, with all that was known of them then.",
    DATASET: "The frames and labels that this refresh learns from, and how they are split.",
    "candidates": "One algorithm, tuned and fitted in a process of its own.",
    COMPARISON: "Challenger, incumbent and constant on holdout rows that none has learned from.",
    CHALLENGER: "The winner's recipe, refitted through the newest known label.",
    SCORER: "A folder of the challenger's own that answers one row at a time, and tests itself.",
    TRIAL_SCORES: "The current frame scored by challenger and incumbent, side by side, as a test.",
    CHAMPION: "Who is in production now. Only a passed verdict changes it.",
    SCORES: "One batch a frame by the champion that counts for it.",
    PERFORMANCE: "How a batch did, once its labels have matured, beside what was promised.",
}

_KINDS_OF_SINKS = {"parquet": "parquet", "duckdb": "duckdb", "postgresql": "postgres"}
"""As Dagster names them, which has a picture for each."""


class Presentation(TypedDict, total=False):
    """The arguments of `dagster.AssetSpec` that say how an asset looks."""

    key: Required[dg.AssetKey]
    group_name: str
    description: str
    kinds: set[str]
    owners: list[str]
    tags: Mapping[str, str]
    metadata: Mapping[str, dg.MetadataValue]
    partitions_def: dg.PartitionsDefinition[str]
    freshness_policy: dg.FreshnessPolicy


def describe(model: Model, *step: str, partitioned: bool = True) -> Presentation:
    """All of an asset's presentation."""
    presentation = Presentation(
        key=key(model, *step),
        group_name=model.name,
        description=_description(model, step[0]),
        kinds=_kinds(model, step),
        owners=list(model.spec.owners),
        tags={MODEL_TAG: model.name},
        metadata=_references(model, step[0]),
    )
    if partitioned:
        presentation["partitions_def"] = partitions(model)
    if (policy := freshness(model, step[0])) is not None:
        presentation["freshness_policy"] = policy
    return presentation


def _description(model: Model, step: str) -> str:
    says = f"{_SAYS[step]}\n\n{model.spec.description}"
    if step == FEATURES:
        return f"{says}\n\n```sql\n{model.features_sql}\n```"
    if step == DATASET and model.labels_sql is not None:
        return f"{says}\n\n```sql\n{model.labels_sql}\n```"
    return says


def _kinds(model: Model, step: tuple[str, ...]) -> set[str]:
    if step[0] == FEATURES:
        return {model.spec.source.engine, "sql"}
    if step[0] == "candidates":
        return {step[1]}
    if step[0] == SCORES and model.spec.scores.sink is not None:
        return {"parquet", _KINDS_OF_SINKS[model.spec.scores.sink.sink]}
    if step[0] == SCORER:
        return {"python"}
    return {"parquet"} if step[0] in {DATASET, SCORES, TRIAL_SCORES} else {"json"}


def _references(model: Model, step: str) -> Mapping[str, dg.MetadataValue]:
    files: dict[str, Path | None] = {FEATURES: model.features_path, DATASET: model.labels_path}
    file = files.get(step) or model.folder / "model.yaml"
    return _reference(file)


@lru_cache(maxsize=16)
def _reference(file: Path) -> Mapping[str, dg.MetadataValue]:
    """The link to a file; a model's assets follow each other, and share theirs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)  # of code references; without them: no link
        reference = dg.LocalFileCodeReference(file_path=str(file), line_number=1, label=file.name)
        references = dg.CodeReferencesMetadataValue(code_references=[reference])
    return {"dagster/code_references": references}
