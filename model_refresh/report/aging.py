"""What former champions do on this holdout, and what that says of refreshing."""

from model_refresh.records import Aged
from model_refresh.report.blocks import (
    Block,
    Cell,
    Figures,
    Section,
    Table,
    Words,
    heads,
    tone_of,
)
from model_refresh.report.charts import staleness_chart
from model_refresh.report.digits import NONE, fixed, places, signed
from model_refresh.report.facts import Facts
from model_refresh.report.judgement import bounds


def staleness(facts: Facts) -> Section | None:
    """Gains against age; None where there is no former champion and nothing to say."""
    comparison = facts.comparison
    former, fresh = comparison.staleness, comparison.freshness
    if not former and fresh is None:
        return None
    blocks: list[Block] = []
    if fresh is not None:
        blocks.append(Words(fresh.sentence))
    label = facts.label(comparison.primary)
    chart = staleness_chart(former, title=f"challenger's gain in {label}")
    if chart is not None:
        blocks.append(Figures((chart,)))
    if former:
        blocks.append(_table(former, label))
    if any(each.recalibrated is not None for each in former):
        text = (
            "Diamonds, and the last column, are what is left of the gain after the former "
            "champion's predictions were brought to this holdout's level and slope: where little "
            "is left, recalibrating it would do as well as fitting anew."
        )
        blocks.append(Words(text, "muted"))
    return Section("staleness", "Staleness", tuple(blocks))


def _table(former: tuple[Aged, ...], label: str) -> Table:
    at = places(*(each.value for each in former))
    gains = [each.gain for each in former if each.gain is not None]
    digits = places(*(gain.estimate for gain in gains), digits=3)
    numbers = ("age, days", label, "challenger's gain", "recalibrated")
    rows = tuple(_row(each, at, digits) for each in former)
    return Table(
        heads("former champion", *numbers, numbers=numbers, prose=("former champion",)), rows
    )


def _row(each: Aged, at: int, digits: int) -> tuple[Cell, ...]:
    name = Cell(
        each.version,
        code=True,
        below=f"entry {each.entry}{': ' if each.why_not else ''}{each.why_not or ''}",
    )
    age = Cell(fixed(each.age_days, 0) if each.age_days else fixed(None, 0))
    if each.gain is None:
        return (name, age, Cell(fixed(each.value, at)), Cell(NONE), Cell(NONE))
    gain = Cell(
        signed(each.gain.estimate, digits), tone=tone_of(each.gain), below=bounds(each.gain, digits)
    )
    return (name, age, Cell(fixed(each.value, at)), gain, Cell(signed(each.recalibrated, digits)))
