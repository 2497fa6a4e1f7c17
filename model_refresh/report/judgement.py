"""The first parts of a report: the verdict, its gates, and the criteria side by side."""

from dataclasses import dataclass

from model_refresh.records import Decision, GateResult, Interval, MetricComparison
from model_refresh.report.blocks import (
    Block,
    Cell,
    Section,
    Table,
    Tone,
    Words,
    heads,
    marks,
    tone_of,
)
from model_refresh.report.digits import NONE, count, fixed, number, places, signed
from model_refresh.report.facts import Facts
from model_refresh.storage.store import stamp

_OUTCOMES: dict[str, tuple[str, Tone]] = {
    "passed": ("passed", "good"),
    "failed": ("failed", "bad"),
    "inconclusive": ("inconclusive", "open"),
    "not_applicable": ("not applicable", "muted"),
}


@dataclass(frozen=True)
class Tile:
    """One number that a reader takes away."""

    label: str
    value: str
    below: str = ""
    tone: Tone = ""


@dataclass(frozen=True)
class Top:
    """How the page begins; `decision` colours it."""

    name: str
    description: str
    as_of: str
    owners: tuple[str, ...]
    decision: Decision
    sentence: str
    tiles: tuple[Tile, ...]


def top(facts: Facts) -> Top:
    """The verdict in a sentence, with the numbers that it turns on."""
    model, comparison = facts.model, facts.comparison
    tiles = [Tile("holdout rows", count(comparison.rows), _frames(facts))]
    judged = comparison.metrics.get(comparison.primary)
    return Top(
        name=model.name,
        description=model.spec.description.strip(),
        as_of=stamp(comparison.as_of),
        owners=model.spec.owners,
        decision=facts.verdict.decision,
        sentence=facts.verdict.sentence,
        tiles=tuple([*_tiles(facts, judged), *tiles] if judged else tiles),
    )


def gates(facts: Facts) -> Section:
    """Every gate's answer."""
    rows = tuple(_gate(facts, each) for each in facts.verdict.gates)
    if not rows:
        return Section("gates", "Gates", (Words("No gate is declared."),))
    titles = heads("gate", "outcome", "what it found", "value", "threshold",
                   numbers=("value", "threshold"), prose=("what it found",))  # fmt: skip
    return Section("gates", "Gates", (Table(titles, rows),))


def criteria(facts: Facts) -> Section:
    """Every metric of challenger, incumbent and constant on the same rows."""
    comparison = facts.comparison
    if not comparison.metrics:
        why = "No candidate could be fitted, so there is nothing to compare: see candidates."
        return Section("criteria", "Criteria side by side", (Words(why),))
    against = "incumbent" if "incumbent" in facts.sides else "constant"
    names = facts.ordered(comparison.metrics)
    rows = tuple(_criterion(facts, comparison.metrics[name], against) for name in names)
    gain, drawn = f"gain over {against}", "worse | better"
    met = ["incumbent"] if against == "incumbent" else []
    titles = ["metric", "challenger", *met, "constant", gain, drawn]
    table = Table(heads(*titles, numbers={*titles[1:-1]}, drawings=(drawn,)), rows)
    blocks: list[Block] = [*_sides(facts), table, Words(_reading(facts), "muted")]
    if told := _detectable(facts):
        blocks.insert(-1, Words(told))
    blocks += [Words(note, "warning") for note in comparison.notes]
    return Section("criteria", "Criteria side by side", tuple(blocks))


def _tiles(facts: Facts, judged: MetricComparison) -> list[Tile]:
    at = places(judged.challenger, judged.incumbent, judged.constant)
    label = facts.label(judged.metric)
    gain = judged.gain_over_incumbent
    tiles = [
        Tile(
            f"{label}, challenger", fixed(judged.challenger, at), facts.comparison.challenger or ""
        )
    ]
    if judged.incumbent is not None:
        below = facts.incumbent.recipe.algorithm if facts.incumbent else ""
        tiles.append(Tile(f"{label}, incumbent", fixed(judged.incumbent, at), below))
    if judged.constant is not None:
        tiles.append(
            Tile(f"{label}, constant", fixed(judged.constant, at), "the mean of the labels")
        )
    against = "incumbent" if gain is not None else "constant"
    gain = gain if gain is not None else judged.gain_over_constant
    if gain is not None:
        digits = _gain_places(gain)
        value = signed(gain.estimate, digits)
        tiles.append(Tile(f"gain over the {against}", value, bounds(gain, digits), tone_of(gain)))
    return tiles


def bounds(interval: Interval, decimals: int) -> str:
    """`+0.0010 to +0.0032`, or why there are no bounds."""
    if interval.lower != interval.lower:
        return f"no bounds with {interval.groups} groups"
    return f"{signed(interval.lower, decimals)} to {signed(interval.upper, decimals)}"


def _frames(facts: Facts) -> str:
    instants = [stamp(each) for each in facts.comparison.holdout]
    if len(instants) > 2:
        return f"{instants[0]} to {instants[-1]}, {len(instants)} frames"
    return " and ".join(instants)


def _gate(facts: Facts, gate: GateResult) -> tuple[Cell, ...]:
    text, tone = _OUTCOMES[gate.outcome]
    at = places(gate.value, gate.threshold, digits=3)
    hard = "rejects" if gate.outcome == "failed" and gate.severity == "reject" else ""
    about = facts.label(gate.metric) if gate.metric else ""
    return (
        Cell(gate.gate, tone="strong", below=about),
        Cell(text, tone=tone, below=hard),
        Cell(gate.sentence),
        Cell(fixed(gate.value, at)),
        Cell(fixed(gate.threshold, at)),
    )


def _criterion(facts: Facts, judged: MetricComparison, against: str) -> tuple[Cell, ...]:
    at = places(judged.challenger, judged.incumbent, judged.constant)
    gain = judged.gain_over_incumbent if against == "incumbent" else judged.gain_over_constant
    primary = judged.metric == facts.comparison.primary
    cells = [
        Cell(facts.label(judged.metric), tone="strong" if primary else "",
             below="decides" if primary else ""),
        Cell(fixed(judged.challenger, at), below=_within(judged.challenger_interval, at)),
    ]  # fmt: skip
    if against == "incumbent":
        below = _within(judged.incumbent_interval, at)
        cells.append(Cell(fixed(judged.incumbent, at), below=below))
    cells.append(Cell(fixed(judged.constant, at)))
    if gain is None:
        return (*cells, Cell(NONE), Cell(NONE))
    digits, (mark,) = _gain_places(gain), marks([gain])
    told = Cell(signed(gain.estimate, digits), tone=tone_of(gain), below=bounds(gain, digits))
    return (*cells, told, Cell(mark=mark))


def _within(interval: Interval | None, decimals: int) -> str:
    if interval is None or interval.lower != interval.lower:
        return ""
    return f"{fixed(interval.lower, decimals)} to {fixed(interval.upper, decimals)}"


def _gain_places(gain: Interval) -> int:
    return places(gain.estimate, gain.lower, gain.upper, digits=3)


def _sides(facts: Facts) -> list[Block]:
    met = facts.comparison.incumbent
    if met is None:
        return [Words("There is no incumbent yet: the challenger is compared with the constant.")]
    if met.incomparable is not None:
        return [
            Words(f"The incumbent can't be judged on these rows: {met.incomparable}", "warning")
        ]
    if met.rebuilt:
        return [Words("The incumbent's trial twin was lost and fitted again from its recipe.")]
    return []


def _detectable(facts: Facts) -> str:
    comparison = facts.comparison
    judged = comparison.metrics.get(comparison.primary)
    if judged is None or judged.detectable is None:
        return ""
    return (
        f"This holdout can't see less than a gain of {number(judged.detectable, 2)} in "
        f"{facts.label(comparison.primary)}: a truly better challenger of that size is shown "
        f"better with a chance of {comparison.power:.0%}, a smaller one less often."
    )


def _reading(facts: Facts) -> str:
    confidence = 100 * facts.comparison.confidence
    groups = [m.gain_over_constant.groups for m in facts.comparison.metrics.values()
              if m.gain_over_constant is not None]  # fmt: skip
    of = f", from {count(max(groups))} independent groups of rows" if groups else ""
    return (
        "A gain is positive where the challenger is better, whatever the metric's sign. Bounds are "
        f"one-sided, each at {confidence:.4g}%{of}. Each line is drawn to its own scale around 0."
    )
