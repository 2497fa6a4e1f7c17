"""What changed since the incumbent: data, features, parameters, weights, and who moved."""

from collections.abc import Sequence

from model_refresh.records import LabelledFrame, Migration
from model_refresh.report.blocks import Block, Cell, Figures, Section, Table, Words, heads
from model_refresh.report.charts import migration_chart
from model_refresh.report.digits import NONE, count, fixed, number, percent, places
from model_refresh.report.facts import Facts, Held
from model_refresh.storage.store import stamp

_SHOWN = 15


def changes(facts: Facts) -> Section | None:
    """Both trial twins beside each other; None where there was no challenger."""
    new, old, met = facts.challenger, facts.incumbent, facts.comparison.incumbent
    gone = [Words(f"Not shown, as it can't be read: {each}", "warning") for each in facts.gone]
    if new is None:
        return Section("changes", "What changed", tuple(gone)) if gone else None
    title = "What changed since the incumbent" if old else "What was learned from"
    blocks: list[Block] = [*gone]
    if met is None:
        blocks.append(Words("There is no incumbent, so there is nothing to tell changes from."))
    blocks.append(_data(facts, new, old))
    if old is not None:
        blocks += [Words(text) for text in _features(new, old)]
    blocks += _parameters(new, old)
    blocks += _importances(new, old)
    if facts.comparison.migration is not None:
        blocks += _moved(facts, facts.comparison.migration)
    return Section("changes", title, tuple(blocks))


def _data(facts: Facts, new: Held, old: Held | None) -> Table:
    held = [new, *([old] if old else [])]
    at = places(*(label_mean(each.lineage.frames) for each in held))
    column = facts.model.definition.label.column
    told: dict[str, list[str]] = {
        "algorithm": [each.recipe.algorithm for each in held],
        "frames": [frames_text(each.lineage.frames) for each in held],
        "rows": [count(row_count(each.lineage.frames)) for each in held],
        f"mean of {column}": [fixed(label_mean(each.lineage.frames), at) for each in held],
        "labels known at": [stamp(each.lineage.known_at) for each in held],
        "features": [count(len(each.recipe.features)) for each in held],
    }
    rows = tuple((Cell(name), *(_beside(values))) for name, values in told.items())
    sides = ("challenger", "incumbent")[: len(held)]
    return Table(heads("trial twin", *sides), rows, title="Data", dense=True)


def row_count(frames: Sequence[LabelledFrame]) -> int:
    """Labelled rows of these frames."""
    return sum(each.labels.rows for each in frames)


def label_mean(frames: Sequence[LabelledFrame]) -> float | None:
    """The mean label over the rows of these frames; None without rows."""
    rows = row_count(frames)
    return sum(each.labels.rows * each.labels.mean for each in frames) / rows if rows else None


def frames_text(frames: Sequence[LabelledFrame]) -> str:
    """`8: 1997-11-17 to 1998-01-05`."""
    if not frames:
        return "none"
    instants = sorted(each.as_of for each in frames)
    if len(instants) == 1:
        return f"1: {stamp(instants[0])}"
    return f"{len(instants)}: {stamp(instants[0])} to {stamp(instants[-1])}"


def _features(new: Held, old: Held) -> list[str]:
    now = {c.name: c.type for c in new.recipe.features}
    before = {c.name: c.type for c in old.recipe.features}
    added = [name for name in now if name not in before]
    removed = [name for name in before if name not in now]
    turned = [
        f"{n} (from {before[n]} to {now[n]})" for n in now if n in before and before[n] != now[n]
    ]
    told = [("Features added", added), ("Features removed", removed), ("Types changed", turned)]
    sentences = [f"{what}: {', '.join(names)}." for what, names in told if names]
    return sentences or ["Both learned from the same features."]


def _parameters(new: Held, old: Held | None) -> list[Table]:
    ours = new.recipe.parameters
    theirs = old.recipe.parameters if old and old.recipe.algorithm == new.recipe.algorithm else None
    names = list(dict.fromkeys([*ours, *(theirs or {})]))
    if not names:
        return _members(new)
    rows = []
    for name in names:
        values = [
            _value(ours.get(name)),
            *([_value(theirs.get(name))] if theirs is not None else []),
        ]
        rows.append((Cell(name), *_beside(values)))
    sides = ("challenger", "incumbent") if theirs is not None else ("challenger",)
    titles = heads("parameter", *sides, numbers=sides)
    title = "Parameters of the best trial" if new.recipe.members else "Parameters"
    return [Table(titles, tuple(rows), title=title, dense=True), *_members(new)]


def _members(new: Held) -> list[Table]:
    """What a mixture is made of, one column a member."""
    members = new.recipe.members
    if not members:
        return []
    names = list(dict.fromkeys(name for each in members for name in each.recipe.parameters))
    numbers = [str(number) for number in range(1, len(members) + 1)]
    told = [("algorithm", [each.recipe.algorithm for each in members])]
    told.append(("weight", [_value(each.weight) for each in members]))
    told += [(n, [_value(each.recipe.parameters.get(n)) for each in members]) for n in names]
    rows = tuple((Cell(name), *map(Cell, values)) for name, values in told)
    return [Table(heads("member", *numbers, numbers=numbers), rows, title="Mixes", dense=True)]


def _beside(values: Sequence[str]) -> list[Cell]:
    """The incumbent's value is set back where it is the same."""
    first, *rest = values
    return [
        Cell(first),
        *(Cell(each, tone="muted" if each == first else "strong") for each in rest),
    ]


def _value(value: float | str | None) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return NONE if value is None else str(value)
    return count(value) if isinstance(value, int) else number(value)


def _importances(new: Held, old: Held | None) -> list[Block]:
    if new.importances is None:
        return []
    ours, theirs = new.importances, (old.importances if old else None) or {}
    largest = max([*ours.values(), *theirs.values()])
    names = sorted({*ours, *theirs}, key=lambda n: (-ours.get(n, 0), -theirs.get(n, 0), n))
    sides = [ours, theirs] if theirs else [ours]
    rows = tuple(
        (Cell(name), *(_bar(side.get(name), largest) for side in sides)) for name in names[:_SHOWN]
    )
    titles = heads("feature", *("challenger", "incumbent")[: len(sides)],
                   drawings=("challenger", "incumbent"))  # fmt: skip
    left = f" Shown are {_SHOWN} of {len(names)} features." if len(names) > _SHOWN else ""
    text = (
        "Shares of all that a version leans on: for trees the loss that a feature's splits took "
        "away, for linear models the size of its largest weight a standard deviation or category. "
        f"They tell what is used, not what causes anything.{left}"
    )
    table = Table(titles, rows, title="Importances", dense=True)
    return [table, Words(text, "muted")]


def _bar(share: float | None, largest: float) -> Cell:
    if share is None:
        return Cell(NONE, tone="muted")
    return Cell(percent(share), bar=round(100 * share / (largest or 1), 1))


def _moved(facts: Facts, migration: Migration) -> list[Block]:
    chart = migration_chart(
        migration, facts.classes if facts.comparison.task == "multiclass" else ()
    )
    what = "class" if facts.comparison.task == "multiclass" else "tenth"
    told = f"{percent(migration.decile_share)} of the rows change their {what}"
    if migration.tier_share is not None:
        cuts = ", ".join(number(each, 3) for each in migration.tiers)
        told += f", {percent(migration.tier_share)} cross a tier ({cuts})"
    told += (
        f". {count(migration.risers)} rise and {count(migration.fallers)} fall"
        f"{'' if what == 'class' else ' by two tenths or more'}; Spearman's correlation of both "
        f"rankings is {fixed(migration.correlation, 3)}."
    )
    blocks: list[Block] = [Words(told), Figures((chart,))]
    reading = f"Each row of the picture is one {what} of the incumbent's, in percent of its rows."
    blocks.append(Words(reading, "muted"))
    if migration.profiles:
        blocks.append(_profiles(migration))
    return blocks


def _profiles(migration: Migration) -> Table:
    rows = []
    for each in migration.profiles:
        at = places(each.everybody, each.risers, each.fallers)
        values = (each.everybody, each.risers, each.fallers)
        rows.append((Cell(each.feature), *(Cell(fixed(value, at)) for value in values)))
    numbers = ("everybody", "risers", "fallers")
    titles = heads("median of", *numbers, numbers=numbers)
    return Table(titles, tuple(rows), title="Who rose and who fell", dense=True)
