"""What a person sees on an asset's page."""

import datetime as dt
import json
import math
from pathlib import Path

import dagster as dg
import numpy as np
import pytest
from dagster._serdes import deserialize_value, serialize_value

from model_refresh.orchestration import metadata
from model_refresh.orchestration.values import Metadata, number, table
from model_refresh.records import Candidate, Comparison, GateResult, MetricComparison, Verdict
from model_refresh.storage import Line

AS_OF = dt.datetime(2024, 1, 26, tzinfo=dt.UTC)


def kept(values: Metadata) -> Metadata:
    """What the event log gives back of it; a page parses its tables as JSON."""
    event = dg.AssetMaterialization("asset", metadata=values)
    again = deserialize_value(serialize_value(event), dg.AssetMaterialization)
    assert again == event
    for value in again.metadata.values():
        if isinstance(value, dg.TableMetadataValue):
            for record in value.records:
                json.dumps(record.data, allow_nan=False)
    return dict(again.metadata)


def rows_of(value: dg.MetadataValue) -> list[dict[str, object]]:
    assert isinstance(value, dg.TableMetadataValue)
    return [dict(record.data) for record in value.records]


def types_of(value: dg.MetadataValue) -> dict[str, str]:
    assert isinstance(value, dg.TableMetadataValue)
    return {column.name: column.type for column in value.schema.columns}


def make_comparison(**metrics: tuple[float, float | None]) -> Comparison:
    """A comparison with these values of challenger and incumbent."""
    return Comparison(
        as_of=AS_OF,
        task="binary",
        primary="log_loss",
        dataset="0" * 64,
        candidates=(),
        challenger="linear",
        trial="0" * 16,
        artifact="0" * 64,
        incumbent=None,
        holdout=(AS_OF,),
        rows=100,
        confidence=0.95,
        metrics={
            name: MetricComparison(
                metric=name, challenger=challenger, constant=None, incumbent=incumbent
            )
            for name, (challenger, incumbent) in metrics.items()
        },
    )


def make_candidate(name: str, **changes: object) -> Candidate:
    values = {"as_of": AS_OF, "name": name, "dataset": "0" * 64, **changes}
    return Candidate.model_validate(values)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (0.25, 0.25),
        (np.float64(0.25), 0.25),
        (np.float32(0.25), 0.25),
        (3, 3.0),
        (math.nan, "nan"),
        (math.inf, "inf"),
        (np.float64("-inf"), "-inf"),
    ],
)
def test_a_number_becomes_a_plain_float_or_says_what_it_is(value: float, told: float | str) -> None:
    (again,) = kept({"number": number(value)}).values()
    assert again.value == told
    assert type(again.value) is type(told)


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        (None, None),
        (True, True),
        (7, 7),
        (np.int64(7), 7),
        (1 / 3, 0.333333),
        (np.float64(1 / 3), 0.333333),
        (np.float32(0.5), 0.5),
        (math.nan, "nan"),
        (np.float64("nan"), "nan"),
        (math.inf, "inf"),
        ("text", "text"),
        (AS_OF, "2024-01-26 00:00:00+00:00"),
    ],
)
def test_a_cell_becomes_what_the_page_can_show(cell: object, told: object) -> None:
    ((row),) = rows_of(kept({"table": table([{"cell": cell}])})["table"])
    assert row == {"cell": told}
    assert type(row["cell"]) is type(told)


def test_rows_may_lack_columns_and_a_column_has_the_type_of_all_its_cells() -> None:
    mixed = table(
        [
            {"name": "a", "failure": "out of memory"},
            {"name": "b", "loss": 1, "rows": 3, "won": True},
            {"name": "c", "loss": np.float64(0.5), "rows": None, "won": False},
            {"name": "d", "loss": 0.5, "rows": np.int32(4)},
        ]
    )
    assert types_of(mixed) == {
        "name": "string",
        "failure": "string",
        "loss": "float",
        "rows": "int",
        "won": "bool",
    }
    assert rows_of(kept({"table": mixed})["table"])[0] == {
        "name": "a",
        "failure": "out of memory",
        "loss": None,
        "rows": None,
        "won": None,
    }


def make_verdict(*gates: GateResult) -> Verdict:
    return Verdict(
        as_of=AS_OF,
        decision="retain",
        sentence="AUC can't be computed",
        gates=gates,
        comparison="0" * 64,
        artifact=None,
        dataset="0" * 64,
        policy="0" * 64,
        code="0" * 64,
        champion=None,
    )


def test_a_column_with_nan_in_it_is_text_and_a_table_without_rows_says_so() -> None:
    assert types_of(table([{"loss": math.nan}, {"loss": 0.5}])) == {"loss": "string"}
    assert table([]).value == "none"


def test_a_failed_candidate_is_on_the_leaderboard_with_its_reason() -> None:
    candidates = [
        make_candidate("constant", failure="out of memory at 256 MiB"),
        make_candidate("linear", validation={"log_loss": 0.5, "roc_auc": math.nan}),
    ]
    told = kept(
        metadata.of_comparison(make_comparison(log_loss=(0.5, 0.6)), candidates, make_verdict())
    )
    assert rows_of(told["leaderboard (validation)"]) == [
        {
            "candidate": "constant",
            "chosen": False,
            "failure": "out of memory at 256 MiB",
            "log_loss": None,
            "roc_auc": None,
        },
        {
            "candidate": "linear",
            "chosen": True,
            "failure": None,
            "log_loss": 0.5,
            "roc_auc": "nan",
        },
    ]
    line = Line(number=1, record=candidates[0], key="", recorded_at=AS_OF, cost=None)
    assert kept(metadata.of_candidate(line))["failure"].value == "out of memory at 256 MiB"


def test_a_candidate_that_stayed_away_is_no_failure() -> None:
    young = make_candidate("recalibrated", dropped="the incumbent is too young")
    told = kept(metadata.of_comparison(make_comparison(), [young], make_verdict()))
    (row,) = rows_of(told["leaderboard (validation)"])
    assert row == {
        "candidate": "recalibrated",
        "chosen": False,
        "left out": "the incumbent is too young",
    }


def test_what_a_candidate_leans_on_most_comes_first() -> None:
    candidate = make_candidate("linear", learned={"age": 0.1, "recency": 0.6, "spend": 0.3})
    line = Line(number=1, record=candidate, key="", recorded_at=AS_OF, cost=None)
    told = rows_of(kept(metadata.of_candidate(line))["leans on"])
    assert [row["feature"] for row in told] == ["recency", "spend", "age"]


def test_a_comparison_without_a_challenger_says_so() -> None:
    nobody = make_comparison().model_copy(update={"challenger": None})
    told = kept(metadata.of_comparison(nobody, [], make_verdict()))
    assert told["challenger"].value == "none could be fitted"
    assert told["on the holdout"].value == "none"
    assert told["sentence"].value == "retain: AUC can't be computed"
    assert told["predicted against actual"].value == "nothing was compared"


def test_a_verdict_tells_each_gate_with_value_and_threshold() -> None:
    gate = GateResult(
        gate="absolute",
        outcome="failed",
        severity="retain",
        metric="roc_auc",
        value=math.nan,
        threshold=0.7,
        sentence="AUC can't be computed",
    )
    told = kept(metadata.of_verdict(make_verdict(gate), Path("/home/report.html")))
    assert told["sentence"].value == "AUC can't be computed"
    assert told["report"].value == "/home/report.html"
    assert rows_of(told["gates"]) == [
        {
            "gate": "absolute",
            "outcome": "failed",
            "value": "nan",
            "threshold": 0.7,
            "sentence": "AUC can't be computed",
        }
    ]
