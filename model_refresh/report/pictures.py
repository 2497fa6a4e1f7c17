"""The curves of challenger and incumbent: reliability, gains, scores, and slices of the rows."""

from model_refresh.records import SliceComparison
from model_refresh.report.blocks import (
    Block,
    Cell,
    Figures,
    Section,
    Table,
    Words,
    heads,
    marks,
    tone_of,
)
from model_refresh.report.charts import gains_chart, reliability_chart, scores_chart
from model_refresh.report.digits import count, fixed, places, signed
from model_refresh.report.facts import Facts
from model_refresh.report.judgement import bounds

_MEANINGS = {
    "binary": "chance of label 1",
    "multiclass": "chance of the most likely class",
}


def pictures(facts: Facts) -> Section | None:
    """Predicted against actual, gain chart and scores; None where no curve was stored."""
    curves = facts.comparison.curves
    task = facts.comparison.task
    unit = _MEANINGS.get(task, facts.model.definition.label.column)
    drawn = [
        reliability_chart(curves, unit=unit, share=task != "regression"),
        gains_chart(curves),
        scores_chart(curves, unit=unit),
    ]
    figures = tuple(each for each in drawn if each is not None)
    if not figures:
        return None
    confidence = 100 * facts.comparison.confidence
    blocks: list[Block] = [Figures(figures)]
    if drawn[0] is not None:
        blocks.append(
            Words(
                "Predicted against actual: each point is a tenth of the holdout rows by "
                "prediction; on the dashed line what happens is what was predicted. Bars are "
                f"one-sided bounds, each at {confidence:.4g}%.",
                "muted",
            )
        )
    return Section("curves", "Predictions on the holdout", tuple(blocks))


def slices(facts: Facts) -> Section | None:
    """The challenger on parts of the rows; None where none was looked at."""
    parts = facts.comparison.slices
    if not parts:
        return None
    against = any(each.incumbent is not None for each in parts)
    at = places(*(v for each in parts for v in (each.challenger, each.incumbent)))
    numbers = ["rows", "challenger", *(["incumbent", "gain"] if against else [])]
    drawn = ["worse | better"] if against else []
    drawings = marks([each.gain for each in parts])
    rows = []
    for each, mark in zip(parts, drawings, strict=True):
        found = "found on validation rows" if each.slice.source == "discovered" else ""
        cells = [Cell(each.slice.label, below=found), Cell(count(each.rows)),
                 Cell(fixed(each.challenger, at))]  # fmt: skip
        if against:
            cells += [Cell(fixed(each.incumbent, at)), _gain(parts, each), Cell(mark=mark)]
        rows.append(tuple(cells))
    table = Table(
        heads("slice", *numbers, *drawn, numbers=numbers, drawings=drawn, prose=("slice",)),
        tuple(rows),
    )
    named = facts.label(parts[0].metric)
    text = (
        f"By {named}. All lines are drawn to one scale around 0, for gains over the incumbent. "
        "Where many slices are looked at, some look bad by chance: bounds are of each slice alone."
        if against
        else f"By {named}."
    )
    return Section("slices", "Slices", (table, Words(text, "muted")))


def _gain(parts: tuple[SliceComparison, ...], each: SliceComparison) -> Cell:
    gains = [part.gain for part in parts if part.gain is not None]
    if each.gain is None:
        return Cell(fixed(None, 0))
    at = places(*(gain.estimate for gain in gains), digits=3)
    text = signed(each.gain.estimate, at)
    return Cell(text, tone=tone_of(each.gain), below=bounds(each.gain, at))
