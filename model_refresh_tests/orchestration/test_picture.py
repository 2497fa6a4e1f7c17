"""The small picture of a comparison's page: present, small, whole, and never in the way."""

import base64
import math
import xml.etree.ElementTree as ET

import pytest

from model_refresh.orchestration.picture import reliability_picture
from model_refresh.records import Comparison, Curves, Task
from model_refresh_tests.gates.factories import make_comparison
from model_refresh_tests.report.factories import make_curves


def compared(task: Task, **curves: Curves) -> Comparison:
    return make_comparison().model_copy(update={"task": task, "curves": curves})


def drawn(comparison: Comparison) -> list[str]:
    """Every text of the picture."""
    picture = reliability_picture(comparison)
    assert picture is not None
    assert len(picture) < 15_000
    start = "![predicted against actual](data:image/svg+xml;base64,"
    assert picture.startswith(start)
    svg = base64.b64decode(picture.removeprefix(start).removesuffix(")")).decode()
    assert "nan" not in svg
    assert "inf" not in svg
    return [str(each.text) for each in ET.fromstring(svg).iter() if each.text]


@pytest.mark.parametrize("task", ["binary", "regression", "multiclass"])
def test_both_sides_are_drawn(task: Task) -> None:
    sides = {"challenger": make_curves(task, 0.02), "incumbent": make_curves(task, -0.05)}
    texts = drawn(compared(task, **sides))
    assert texts[:2] == ["predicted", "actual"]
    assert texts[-2:] == ["challenger", "incumbent"]
    assert ("60%" in texts) == (task != "regression")
    assert ("150" in texts) == (task == "regression")


def test_a_challenger_alone_is_drawn() -> None:
    assert drawn(compared("binary", challenger=make_curves("binary", 0.0)))[-1] == "challenger"


@pytest.mark.parametrize("scale", [1e-12, 1e-3, 2.5, 1e7, 1e200])
def test_any_unit_has_an_axis(scale: float) -> None:
    curves = make_curves("binary", 0.0)
    bins = tuple(
        b.model_copy(
            update={
                name: getattr(b, name) * scale for name in ("predicted", "actual", "lower", "upper")
            }
        )
        for b in curves.reliability
    )
    texts = drawn(
        compared("regression", challenger=curves.model_copy(update={"reliability": bins}))
    )
    assert 10 <= len(texts) <= 30
    assert len(set(texts[2:-1:2])) == len(texts[2:-1:2])


@pytest.mark.parametrize("value", [0.0, 0.3, -5.0, 1e300])
def test_one_point_is_drawn(value: float) -> None:
    (first, *_) = make_curves("binary", 0.0).reliability
    one = first.model_copy(
        update={"predicted": value, "actual": value, "lower": math.nan, "upper": math.nan}
    )
    drawn(compared("regression", challenger=Curves(reliability=(one,), gains=(), scores=())))


def test_without_curves_there_is_no_picture() -> None:
    assert reliability_picture(make_comparison()) is None
    empty = Curves(reliability=(), gains=(), scores=())
    assert reliability_picture(compared("binary", challenger=empty)) is None
