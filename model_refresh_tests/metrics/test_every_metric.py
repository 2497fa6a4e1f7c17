import re

import pytest

from model_refresh.errors import ModelRefreshError
from model_refresh.metrics import METRICS, forms, metric, names, pattern, serves
from model_refresh.metrics.catalogue import in_order
from model_refresh.metrics.cut import Threshold, TopRows, TopShare
from model_refresh.metrics.decisions import Precision
from model_refresh.metrics.deviance import Tweedie
from model_refresh.metrics.lift import Lift
from model_refresh.metrics.losses import Pinball
from model_refresh.records import Task
from model_refresh_tests.contracts.metrics import MetricContract
from model_refresh_tests.metrics.factories import every_case

GOOD = [
    "precision@0.3",
    "precision@5%",
    "precision@500",
    "recall@2.5%",
    "f1@0.000001",
    "accuracy@100%",
    "lift@0.5%",
    "gain@20%",
    "pinball@0.95",
    "tweedie@1.5",
]
BAD = [
    "precision@0",
    "precision@1.5",
    "precision@0.30",
    "precision@-1",
    "precision@101%",
    "precision@05%",
    "precision@",
    "recall@1e3",
    "recall@0.3@0.4",
    "f1@٣",
    "lift@10",
    "lift@0.1",
    "gain@0%",
    "pinball@1",
    "pinball@90%",
    "pinball@0.1234567",
    "tweedie@2",
    "tweedie@1",
    "lift@10%\n",
]


@pytest.mark.parametrize("case", every_case(), ids=lambda case: case.id)
class TestEveryMetric(MetricContract):
    pass


@pytest.mark.parametrize("task", ["binary", "regression", "multiclass"])
def test_what_a_page_shows_serves_the_task(task: Task) -> None:
    assert all(serves(name, task) for name in names(task))
    assert len(set(names(task))) == len(names(task)) <= 10


def test_each_task_has_its_default() -> None:
    tasks: tuple[Task, ...] = ("binary", "regression", "multiclass")
    assert [names(task)[0] for task in tasks] == ["log_loss", "rmse", "log_loss"]
    assert names("multiclass") == ("log_loss", "macro_auc", "accuracy", "macro_f1")


def test_metrics_are_found_by_name() -> None:
    assert [metric(each.name) for each in METRICS] == list(METRICS)


@pytest.mark.parametrize("name", GOOD)
def test_a_parameter_stands_behind_the_name(name: str) -> None:
    assert metric(name).name == name
    assert re.fullmatch(pattern(), name)


def test_parameters_become_fields() -> None:
    assert metric("precision@0.3") == Precision(Threshold(0.3))
    assert metric("precision@5%") == Precision(TopShare(5.0))
    assert metric("precision@500") == Precision(TopRows(500))
    assert metric("lift@20%") == Lift(TopShare(20.0))
    assert metric("pinball@0.9") == Pinball(0.9)
    assert metric("tweedie@1.2") == Tweedie(1.2)


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("precision@5%", "precision among the top 5%"),
        ("precision@0.3", "precision at 0.3"),
        ("recall@500", "recall among the top 500 rows"),
        ("f1", "F1 at 0.5"),
        ("lift@10%", "lift at 10%"),
        ("gain@20%", "share of positives in the top 20%"),
        ("pinball@0.9", "pinball loss at 0.9"),
    ],
)
def test_a_parameter_is_said_in_the_label(name: str, label: str) -> None:
    assert metric(name).label == label


@pytest.mark.parametrize("name", BAD)
def test_a_bad_parameter_is_answered_with_what_is_accepted(name: str) -> None:
    with pytest.raises(ModelRefreshError, match=r"is not accepted; .* takes a"):
        metric(name)
    assert not re.fullmatch(pattern(), name)
    assert not serves(name, "binary")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("precison@5%", "did you mean 'precision' or 'precision@CUT'"),
        ("lift", "did you mean 'lift@P%'"),
        ("lift_at_10", "there are log_loss, "),
        ("brier@3", "did you mean 'brier'"),
    ],
)
def test_an_unknown_family_is_answered_with_the_forms(name: str, meant: str) -> None:
    with pytest.raises(ModelRefreshError, match=re.escape(meant)) as caught:
        metric(name)
    assert "precision@CUT" in str(caught.value)
    assert not re.fullmatch(pattern(), name)


@pytest.mark.parametrize(
    ("make", "wrong"),
    [(Threshold, 1.0), (TopShare, 0.0), (TopShare, 101.0), (TopRows, 0), (Pinball, 0.0), (Tweedie, 2.0)],
)  # fmt: skip
def test_a_parameter_out_of_range_is_refused(make: type, wrong: float) -> None:
    with pytest.raises(ValueError, match=f"met {wrong}"):
        make(wrong)


def test_forms_are_those_of_the_task() -> None:
    assert {"precision", "precision@CUT", "lift@P%", "value"} <= set(forms("binary"))
    assert {"pinball@Q", "tweedie@POWER", "rmse"} <= set(forms("regression"))
    assert {"macro_f1", "accuracy", "value", "log_loss"} <= set(forms("multiclass"))
    assert not {"accuracy@CUT", "rmse", "roc_auc"} & set(forms("multiclass"))
    assert not serves("accuracy@0.3", "multiclass")


def test_an_unknown_metric_is_answered_with_what_was_meant() -> None:
    with pytest.raises(ModelRefreshError, match="'logloss', did you mean 'log_loss'; there are"):
        metric("logloss")


def test_percentages_make_sense_for_positive_losses_only() -> None:
    assert [each.name for each in METRICS if each.is_loss] == [
        "log_loss",
        "brier",
        "rmse",
        "mae",
        "pinball@0.5",
        "poisson_deviance",
        "tweedie@1.5",
    ]


@pytest.mark.parametrize(
    ("name", "new", "old", "gain"),
    [
        ("log_loss", 0.2, 0.3, 0.1),
        ("roc_auc", 0.8, 0.7, 0.1),
        ("calibration_slope", 1.1, 0.7, 0.2),
        ("calibration_slope", 0.7, 1.1, -0.2),
        ("intercept", -0.5, 2.0, 1.5),
    ],
)
def test_a_gain_is_positive_where_new_is_better(
    name: str, new: float, old: float, gain: float
) -> None:
    assert metric(name).gain(new, old) == pytest.approx(gain)


def test_a_page_lists_first_what_decides_and_then_by_family() -> None:
    found = ["roc_auc", "gain@10%", "brier", "lift@5%", "old_name", "log_loss"]
    assert in_order(found, first="brier") == [
        "brier", "log_loss", "roc_auc", "lift@5%", "gain@10%", "old_name",
    ]  # fmt: skip
