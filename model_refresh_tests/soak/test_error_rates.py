"""The stated error rates through the whole path, on 15,600 contests each, independent of another.

15,600 contests tell a share of 0.05 to within 0.002 and one of 0.8 to within 0.003 (standard
errors): a rate outside of the bands asserted here is the statistic's own, not the simulation's.
Takes about two minutes of one processor.
"""

import sys

import numpy as np
import pytest

from model_refresh.gates import Margin, NonInferior, Superior
from model_refresh_tests.metrics.contests import (
    Population,
    contests,
    half_width,
    share_passed,
    with_detectable_gain,
)

TIMES, PILOTS = 15_600, 1000
CLUSTERS = pytest.mark.parametrize("clusters", [None, 300], ids=["independent", "clustered"])

pytestmark = pytest.mark.soak


@CLUSTERS
def test_of_equal_sides_superior_passes_4_to_6_percent(clusters: int | None) -> None:
    share = share_passed(Superior(), Population(clusters=clusters), times=TIMES, seed=101)
    _say(clusters, f"a true gain of 0 is called superior in {share:.2%}")
    assert 0.04 <= share <= 0.06


@CLUSTERS
def test_at_exactly_the_margin_non_inferior_passes_4_to_6_percent(clusters: int | None) -> None:
    worse = Population(new_error=0.48, clusters=clusters)
    gate = NonInferior(margin=Margin(number=-worse.gain))
    share = share_passed(gate, worse, times=TIMES, seed=102)
    _say(clusters, f"worse by exactly the margin of {-worse.gain:.4f}: non-inferior in {share:.2%}")
    assert 0.04 <= share <= 0.06


@CLUSTERS
def test_with_a_half_width_of_half_the_margin_equal_sides_pass_9_times_in_10(
    clusters: int | None,
) -> None:
    """Counted are the contests that met the condition, which nine of ten do."""
    equal = Population(clusters=clusters)
    widths = [half_width(each) for each in contests(equal, times=PILOTS, seed=103)]
    margin = 2.0 * float(np.quantile(widths, 0.9))
    gate = NonInferior(margin=Margin(number=margin))
    enough = [
        each for each in contests(equal, times=TIMES, seed=104) if half_width(each) <= margin / 2.0
    ]
    share = float(np.mean([gate.judge(each).outcome == "passed" for each in enough]))
    _say(
        clusters,
        f"a true gain of 0, half-width at most half of the margin ({len(enough):,} of {TIMES:,}): "
        f"non-inferior in {share:.2%}",
    )
    assert len(enough) > 0.8 * TIMES
    assert share >= 0.9


@CLUSTERS
def test_the_printed_detectable_gain_is_found_in_78_to_82_percent(clusters: int | None) -> None:
    """The band: the pilots tell the plant to within 1% (0.7% of power), and the power is taken from
    Student's t where the gain's error varies with its rows.
    """
    better = with_detectable_gain(Population(clusters=clusters), times=PILOTS, seed=105)
    share = share_passed(Superior(), better, times=TIMES, seed=106)
    _say(clusters, f"the detectable gain of {better.gain:.4f} (power 80%) is found in {share:.2%}")
    assert 0.78 <= share <= 0.82


def _say(clusters: int | None, figures: str) -> None:
    rows = f"{clusters} clusters" if clusters else "independent rows"
    sys.stdout.write(f"\n{TIMES:,} contests, {rows}: {figures}\n")
