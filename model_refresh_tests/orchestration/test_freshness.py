"""How old champion and scores may be before Dagster's page says so."""

import datetime as dt
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.freshness import TimeWindowFreshnessPolicy

from model_refresh.orchestration.build import build_definitions
from model_refresh.orchestration.freshness import freshness
from model_refresh_tests.factories import make_model, make_purchases

DAY = dt.timedelta(days=1)


def window(policy: dg.FreshnessPolicy | None) -> tuple[dt.timedelta, dt.timedelta | None]:
    assert isinstance(policy, TimeWindowFreshnessPolicy)
    warn = policy.warn_window
    return policy.fail_window.to_timedelta(), warn and warn.to_timedelta()


@pytest.mark.parametrize(
    ("every", "late", "missing"),
    [("1h", 1.5 * DAY / 24, 2 * DAY / 24), ("1d", 1.5 * DAY, 2 * DAY), ("7d", 10.5 * DAY, 14 * DAY),
     ("1mo", 46.5 * DAY, 62 * DAY)],
)  # fmt: skip
def test_scores_are_late_after_one_and_a_half_frames_and_missing_after_two(
    tmp_path: Path, every: str, late: dt.timedelta, missing: dt.timedelta
) -> None:
    model = make_model(tmp_path, every=every, purchases=make_purchases(customers=5))
    assert window(freshness(model, "scores")) == (missing, late)


def test_a_champion_is_decided_upon_before_it_is_too_old(tmp_path: Path) -> None:
    purchases = make_purchases(customers=5)
    model = make_model(tmp_path, every="7d", purchases=purchases)
    assert window(freshness(model, "champion")) == (model.max_age, 14 * DAY)
    short = make_model(tmp_path, name="short", purchases=purchases, max_age="10d")
    assert window(freshness(short, "champion")) == (10 * DAY, None)


def test_only_champion_and_scores_of_a_model_have_a_policy(tmp_path: Path) -> None:
    model = make_model(tmp_path, purchases=make_purchases(customers=5))
    specs = build_definitions([model], home=tmp_path).resolve_all_asset_specs()
    have = {spec.key.path[-1] for spec in specs if spec.freshness_policy is not None}
    assert have == {"champion", "scores"}
