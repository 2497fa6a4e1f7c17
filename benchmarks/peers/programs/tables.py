"""Rows as pandas tables, which all peers accept."""

import json
from dataclasses import dataclass

import pandas as pd

from peers.programs.contract import Job

LEVELS = "levels.json"


@dataclass(frozen=True)
class Rows:
    """Rows of several frames: features, label, and the instant of each row's frame."""

    features: pd.DataFrame
    label: pd.Series
    as_of: pd.Series

    @property
    def in_last_frame(self) -> pd.Series:
        """Which rows are of the newest frame."""
        return self.as_of == self.as_of.max()

    def known_to_last_frame(self, job: Job) -> pd.Series:
        """Which rows' labels were known at the newest frame's instant.

        Customers' label windows overlap from frame to frame: a model that had learned from the
        others would know much of the newest frame's answers.
        """
        horizon = pd.Timedelta(days=job.told["horizon_days"])
        return self.as_of + horizon <= self.as_of.max()


def training_rows(job: Job) -> Rows:
    """The rows to learn from; text columns are of dtype object."""
    table = pd.read_parquet(job.task / "train.parquet")
    label = table[job.told["label"]]
    return Rows(
        _features(table, job), label.astype(int) if job.binary else label, table[job.told["as_of"]]
    )


def test_features(job: Job) -> pd.DataFrame:
    """The features of the rows to predict, without the label."""
    return _features(pd.read_parquet(job.task / "test.parquet", columns=job.told["features"]), job)


def keep_levels(features: pd.DataFrame, job: Job) -> None:
    """Store the texts of each categorical column beside the model."""
    levels = {name: sorted(features[name].dropna().unique()) for name in job.told["categorical"]}
    (job.artifact / LEVELS).write_text(json.dumps(levels), encoding="utf-8")


def with_levels(features: pd.DataFrame, job: Job) -> pd.DataFrame:
    """Text columns as pandas categories of the stored levels; other texts become null."""
    levels = json.loads((job.artifact / LEVELS).read_text(encoding="utf-8"))
    typed = {name: pd.Categorical(features[name], categories=seen) for name, seen in levels.items()}
    return features.assign(**typed)


def _features(table: pd.DataFrame, job: Job) -> pd.DataFrame:
    features = table[job.told["features"]]
    return features.astype(dict.fromkeys(job.told["categorical"], object))
