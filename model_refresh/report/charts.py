"""The charts of a comparison, each a figure; sides are always told by the same two colours."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from model_refresh.records import Aged, Curves, Migration
from model_refresh.report.blocks import Figure
from model_refresh.report.drawing import (
    CHALLENGER,
    HEIGHT,
    INCUMBENT,
    QUIET,
    WIDTH,
    draw,
    drawable,
)

Points = list[dict[str, Any]]

_LONGEST = 40
_MOST_WRITTEN = 12
"""Classes up to which the picture of who moved has room for numbers."""


def reliability_chart(curves: Mapping[str, Curves], *, unit: str, share: bool) -> Figure | None:
    """Tenths of the rows: mean prediction against mean outcome, with bounds; None without any."""
    import altair as alt

    points: Points = [
        {"who": who, "predicted": b.predicted, "actual": b.actual, "low": b.lower, "high": b.upper}
        for who, curve in curves.items()
        for b in curve.reliability
        if math.isfinite(b.predicted) and math.isfinite(b.actual)
    ]
    if not points:
        return None
    ends = [p[side] for p in points for side in ("predicted", "actual")]
    ends += [p[side] for p in points for side in ("low", "high") if math.isfinite(p[side])]
    low, high = min(ends), max(ends)
    scale = alt.Scale(domain=[low, high if high > low else low + 1], nice=True, zero=False)
    style = ("%" if high - low > 0.05 else ".1%") if share else _plain(ends)
    axis = alt.Axis(format=style, tickCount=6)
    x = alt.X("predicted:Q", scale=scale, axis=axis, title=f"mean prediction ({unit})")
    y = alt.Y("actual:Q", scale=scale, axis=axis, title=f"mean of what happened ({unit})")
    drawn = alt.Chart(_data(points)).encode(color=_sides(curves))
    bars = alt.Chart(_data(_bounded(points))).mark_rule(strokeWidth=1.5, opacity=0.5)
    ideal = alt.Chart(_data([{"x": low, "y": low}, {"x": high, "y": high}]))
    chart = alt.layer(
        ideal.mark_line(color=QUIET, strokeDash=[4, 4], strokeWidth=1).encode(x="x:Q", y="y:Q"),
        bars.encode(x=x, y=alt.Y("low:Q", scale=scale), y2="high:Q", color=_sides(curves)),
        drawn.mark_line(strokeWidth=2, point=alt.OverlayMarkDef(size=36)).encode(x=x, y=y),
    )
    return _figure(chart, "reliability", "Predicted against actual")


def gains_chart(curves: Mapping[str, Curves]) -> Figure | None:
    """What is found among the rows from the highest score down; None without any."""
    import altair as alt

    points: Points = [
        {"who": who, "rows": x, "found": y} for who, curve in curves.items() for x, y in curve.gains
    ]
    if not points:
        return None
    axis = alt.Axis(format="%", tickCount=5)
    x = alt.X("rows:Q", axis=axis, title="share of rows, highest scores first")
    y = alt.Y("found:Q", axis=axis, title="share of the whole found")
    chance = alt.Chart(_data([{"x": 0, "y": 0}, {"x": 1, "y": 1}]))
    chart = alt.layer(
        chance.mark_line(color=QUIET, strokeDash=[4, 4], strokeWidth=1).encode(x="x:Q", y="y:Q"),
        alt.Chart(_data(points))
        .mark_line(strokeWidth=2)
        .encode(x=x, y=y, color=_sides(curves), strokeDash=_dashes(curves)),
    )
    return _figure(chart, "gains", "What is found from the top")


def scores_chart(curves: Mapping[str, Curves], *, unit: str) -> Figure | None:
    """The share of rows at each score, of both; None without any."""
    import altair as alt

    points: Points = [
        {"who": who, "score": edge, "share": b.share, "order": order}
        for who, curve in curves.items()
        for order, b in enumerate(curve.scores)
        for edge in (b.low, b.high)
    ]
    if not points:
        return None
    x = alt.X(
        "score:Q",
        title=f"score ({unit})",
        axis=alt.Axis(tickCount=6, format=_plain([p["score"] for p in points])),
        scale=alt.Scale(zero=False, nice=False),
    )
    y = alt.Y("share:Q", axis=alt.Axis(format="~%", tickCount=5), title="share of rows")
    base = alt.Chart(_data(points)).encode(
        x=x, y=y, color=_sides(curves), order=alt.Order("order:Q")
    )
    chart = alt.layer(
        base.mark_area(opacity=0.12, line=False).encode(y=alt.Y("share:Q", stack=None)),
        base.mark_line(strokeWidth=1.8).encode(strokeDash=_dashes(curves)),
    )
    return _figure(chart, "scores", "Distribution of the scores")


def staleness_chart(former: Sequence[Aged], *, title: str) -> Figure | None:
    """The challenger's gain over former champions against their age; None where none is judged."""
    import altair as alt

    points: Points = [
        {
            "age": a.age_days,
            "gain": a.gain.estimate,
            "low": a.gain.lower,
            "high": a.gain.upper,
            "left": a.recalibrated,
        }
        for a in former
        if a.gain is not None and math.isfinite(a.gain.estimate)
    ]
    if not points:
        return None
    days = alt.Axis(tickCount=6)
    x = alt.X("age:Q", axis=days, title="age of the former champion in days")
    axis = alt.Axis(format=_plain([p["gain"] for p in points]), tickCount=6)
    y = alt.Y("gain:Q", title=title, axis=axis, scale=alt.Scale(zero=True))
    bars = alt.Chart(_data(_bounded(points))).mark_rule(color=CHALLENGER, opacity=0.5)
    left = [p for p in points if p["left"] is not None and math.isfinite(p["left"])]
    chart = alt.layer(
        alt.Chart(_data([{"y": 0}])).mark_rule(color=QUIET).encode(y="y:Q"),
        bars.encode(x=x, y=alt.Y("low:Q", axis=axis), y2="high:Q"),
        alt.Chart(_data(points))
        .mark_line(color=CHALLENGER, point=alt.OverlayMarkDef(size=40, color=CHALLENGER))
        .encode(x=x, y=y),
        alt.Chart(_data(left))
        .mark_point(color=INCUMBENT, shape="diamond", size=50, strokeWidth=1.5)
        .encode(x=x, y=alt.Y("left:Q", axis=axis)),
    )
    return _figure(chart, "staleness", "The cost of age")


def migration_chart(migration: Migration, classes: Sequence[str]) -> Figure:
    """Where the incumbent's tenths, or its classes, go with the challenger; shares of a row."""
    import altair as alt

    size = len(migration.moves)
    names = list(classes) if len(classes) == size else [str(i + 1) for i in range(size)]
    what = "class" if len(classes) == size else "tenth"
    points: Points = [
        {"old": i, "new": j, "share": n / max(1, sum(row)), "text": _percent(n, sum(row))}
        for i, row in enumerate(migration.moves)
        for j, n in enumerate(row)
    ]
    angle = 0 if max(map(len, names)) < 4 else -45
    x = alt.X("new:O", axis=_named_axis(names, angle), title=f"the challenger's {what}")
    y = alt.Y("old:O", axis=_named_axis(names, 0), title=f"the incumbent's {what}",
              sort="descending")  # fmt: skip
    base = alt.Chart(_data(points)).encode(x=x, y=y)
    colour = alt.Color(
        "share:Q",
        scale=alt.Scale(range=["#ffffff", "#0b5394"], domain=[0, 1], interpolate="rgb"),
        legend=None,
    )
    white = alt.condition("datum.share > 0.5", alt.value("#ffffff"), alt.value("#1f2328"))
    chart = alt.layer(
        base.mark_rect(stroke="#e1e6ea").encode(color=colour),
        base.mark_text(fontSize=10 if size <= _MOST_WRITTEN else 0).encode(
            text="text:N", color=white
        ),
    )
    return _figure(chart, "migration", "Who moved", square=True)


def _bounded(points: Points) -> Points:
    return [p for p in points if math.isfinite(p["low"]) and math.isfinite(p["high"])]


def _plain(values: Sequence[float]) -> str:
    """How d3 writes such numbers on an axis: `12k` from ten thousand on, else in full."""
    return "~s" if max(map(abs, values)) >= 10_000 else ".4~g"


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f}" if whole and part / whole >= 0.005 else ""


def _named_axis(names: Sequence[str], angle: int) -> Any:  # noqa: ANN401
    """An axis of places that are told by their names; JSON's texts are texts to Vega too."""
    import altair as alt

    shown = [drawable(name[:_LONGEST]) for name in names]
    expression = f"{json.dumps(shown)}[datum.value]"
    return alt.Axis(labelExpr=expression, labelAngle=angle, grid=False, ticks=False, domain=False)


def _data(points: Points) -> Any:  # noqa: ANN401  (altair's own type, imported late)
    import altair as alt

    finite = [
        {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in p.items()}
        for p in points
    ]
    return alt.InlineData(values=finite)


def _sides(curves: Mapping[str, Curves]) -> Any:  # noqa: ANN401
    import altair as alt

    colours = {"challenger": CHALLENGER, "incumbent": INCUMBENT}
    known = [who for who in colours if who in curves]
    scale = alt.Scale(domain=known, range=[colours[who] for who in known])
    return alt.Color("who:N", scale=scale)


def _dashes(curves: Mapping[str, Curves]) -> Any:  # noqa: ANN401
    import altair as alt

    dashes = {"challenger": [1, 0], "incumbent": [6, 3]}
    known = [who for who in dashes if who in curves]
    scale = alt.Scale(domain=known, range=[dashes[who] for who in known])
    return alt.StrokeDash("who:N", scale=scale)


def _figure(chart: Any, name: str, title: str, *, square: bool = False) -> Figure:  # noqa: ANN401
    sized = chart.properties(width=WIDTH, height=WIDTH - 15 if square else HEIGHT)
    return Figure(title, draw(sized.to_dict(), name=name, title=title))
