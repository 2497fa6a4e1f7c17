import pytest

from model_refresh.errors import ModelRefreshError
from model_refresh.metrics import METRICS, metric, names
from model_refresh_tests.contracts.metrics import MetricContract


@pytest.mark.parametrize("metric", METRICS, ids=lambda each: each.name)
class TestEveryMetric(MetricContract):
    pass


def test_each_task_has_its_metrics() -> None:
    assert names("binary") == (
        "log_loss",
        "roc_auc",
        "average_precision",
        "brier",
        "calibration_slope",
        "calibration_intercept",
        "lift_at_10",
    )
    assert names("regression") == ("rmse", "mae", "r2", "slope", "intercept", "spearman")


def test_metrics_are_found_by_name() -> None:
    assert [metric(each.name) for each in METRICS] == list(METRICS)


def test_an_unknown_metric_is_answered_with_what_was_meant() -> None:
    with pytest.raises(ModelRefreshError, match="'logloss', did you mean 'log_loss'; there are"):
        metric("logloss")


def test_percentages_make_sense_for_positive_losses_only() -> None:
    assert [each.name for each in METRICS if each.is_loss] == ["log_loss", "brier", "rmse", "mae"]


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
