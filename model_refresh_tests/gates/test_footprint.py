"""Gates that look at no metric: stability, latency, size."""

import math

import pytest
from pydantic import ValidationError

from model_refresh.gates import Condition, Latency, Size, Stability
from model_refresh.records import Footprint
from model_refresh_tests.gates.factories import make_comparison, make_migration


@pytest.mark.parametrize(
    ("gate", "moved", "outcome"),
    [
        (Stability(), 0.5, "passed"),
        (Stability(), 0.501, "failed"),
        (Stability(at_most=0.3), 0.31, "failed"),
        (Stability(of="tier"), 0.2, "passed"),
        (Stability(of="tier"), 0.21, "failed"),
        (Stability(), math.nan, "failed"),
    ],
)
def test_stability_is_a_share_of_rows(gate: Stability, moved: float, outcome: str) -> None:
    of_decile = gate.of == "decile"
    migration = make_migration(decile=moved if of_decile else 0.9, tier=0.9 if of_decile else moved)
    comparison = make_comparison().model_copy(update={"migration": migration})
    assert gate.judge(comparison).outcome == outcome


def test_stability_says_what_moved() -> None:
    assert Stability().judge(make_comparison()).sentence == (
        "30% of the rows change their decile, at most the allowed 50%"
    )


def test_no_tiers_no_pass() -> None:
    migration = make_migration(tier=None)
    comparison = make_comparison().model_copy(update={"migration": migration})
    result = Stability(of="tier").judge(comparison)
    assert result.outcome == "failed"
    assert "no tier is declared" in result.sentence


def test_nobody_moves_without_an_incumbent() -> None:
    assert Stability().judge(make_comparison(incumbent=None)).outcome == "not_applicable"


@pytest.mark.parametrize(
    ("gate", "outcome"),
    [
        (Latency(at_most_ms=1.25), "passed"),
        (Latency(at_most_ms=1.24), "failed"),
        (Size(at_most_mib=2.87), "passed"),
        (Size(at_most_mib=2.86), "failed"),
    ],
)
def test_the_footprint_is_held_against_its_limit(gate: Condition, outcome: str) -> None:
    """3,000,000 bytes are 2.861 MiB."""
    for incumbent in (None, make_comparison().incumbent):
        assert gate.judge(make_comparison(incumbent=incumbent)).outcome == outcome


def test_a_mib_has_two_to_the_twentieth_bytes() -> None:
    footprint = Footprint(size_bytes=3 * 2**20)
    comparison = make_comparison().model_copy(update={"footprint": footprint})
    assert Size(at_most_mib=3.0).judge(comparison).outcome == "passed"


@pytest.mark.parametrize("gate", [Stability(), Latency(at_most_ms=6e4), Size(at_most_mib=1e6)])
def test_what_was_not_measured_fails(gate: Condition) -> None:
    bare = make_comparison().model_copy(update={"migration": None, "footprint": None})
    assert gate.judge(bare).outcome == "failed"


@pytest.mark.parametrize("taken", [None, math.nan, math.inf])
def test_time_that_was_not_taken_fails(taken: float | None) -> None:
    footprint = Footprint(size_bytes=1, latency_ms=taken)
    comparison = make_comparison().model_copy(update={"footprint": footprint})
    assert Latency(at_most_ms=6e4).judge(comparison).outcome == "failed"


@pytest.mark.parametrize("limit", [0, -1, math.nan, math.inf])
def test_limits_are_positive_and_finite(limit: float) -> None:
    for gate, field in ((Latency, "at_most_ms"), (Size, "at_most_mib"), (Stability, "at_most")):
        with pytest.raises(ValidationError):
            gate.model_validate({field: limit})


def test_latency_has_no_default() -> None:
    with pytest.raises(ValidationError, match="at_most_ms"):
        Latency.model_validate({})
