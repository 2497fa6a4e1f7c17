"""A function for each member of a formula: from columns to scores."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import assert_never

from model_refresh.scorer.formula.forms import ConstantForm, Form, NaiveForm
from model_refresh.scorer.formula.formula import Member
from model_refresh.scorer.formula.linear import LinearForm, Sum
from model_refresh.scorer.formula.links import Link
from model_refresh.scorer.formula.tree_sums import TreesForm, TreeSum
from model_refresh.serving.folder.emit import trees
from model_refresh.serving.folder.emit.columns import Columns
from model_refresh.serving.folder.emit.endings import linked
from model_refresh.serving.folder.emit.linear import terms
from model_refresh.serving.folder.emit.source import function, literal, table, values


@dataclass(frozen=True)
class Written:
    """A member as text: its function's name, its functions, and tables that follow the library."""

    name: str
    functions: tuple[str, ...]
    tables: tuple[str, ...] = ()


def is_written(form: Form) -> bool:
    """Whether the form can become text."""
    return not isinstance(form, TreesForm) or all(trees.is_written(s.trees) for s in form.sums)


def written(member: Member, number: int, columns: Columns) -> Written:
    """The member with this number, from 1."""
    places = columns.places[member.encoding]
    match member.form:
        case ConstantForm(values=scores):
            name = f"constant_{number}"
            return Written(name, (_function(name, "A constant.", [f"return {values(scores)}"]),))
        case NaiveForm() as form:
            return _carried(form, f"carried_{number}", places[form.column])
        case LinearForm(sums=sums, link=link):
            bodies = [_linear(each, columns, places) for each in sums]
            return _summed(f"linear_{number}", bodies, link)
        case TreesForm() as form:
            return _trees(form, f"trees_{number}", columns, places)
        case _:
            assert_never(member.form)


def _carried(form: NaiveForm, name: str, place: int) -> Written:
    blank = form.mean if form.shares is None else form.blank
    known = "value" if form.shares is None else f"{name.upper()}.get(value, {literal(form.mean)})"
    lines = [f"value = x[{place}]", f"return ({literal(blank)} if isnan(value) else {known},)"]
    body = _function(name, "One column, carried forward.", lines)
    shares = () if form.shares is None else (f"{name.upper()} = {table(form.shares)}",)
    return Written(name, (*shares, body))


def _linear(each: Sum, columns: Columns, places: Sequence[int]) -> list[str]:
    used = [term.column for term in each.numbers] + [term.column for term in each.categories]
    names = [columns.name(place) for place in places]
    return [*_unpacked(used, names, places), *terms(each, names)]


def _trees(form: TreesForm, name: str, columns: Columns, places: Sequence[int]) -> Written:
    """Nested conditions where all its trees together are small."""
    names = [columns.name(place) for place in places]
    if sum(len(each.trees.leaves) for each in form.sums) <= trees.FEW_LEAVES:
        bodies = [
            [*_unpacked(each.trees.feature, names, places), *trees.conditions(each, names)]
            for each in form.sums
        ]
        return _summed(name, bodies, form.link)
    tables = [_table(each, f"{name}_{i}".upper(), places) for i, each in enumerate(form.sums)]
    return _summed(name, [body for _, body in tables], form.link, [text for text, _ in tables])


def _table(each: TreeSum, name: str, places: Sequence[int]) -> tuple[str, list[str]]:
    return trees.tables(each, name, places)


def _unpacked(used: Iterable[int], names: Sequence[str], places: Sequence[int]) -> list[str]:
    """Variables of the columns that are used."""
    return [f"{names[column]} = x[{places[column]}]" for column in sorted({*used})]


def _summed(
    name: str, bodies: Sequence[list[str]], link: Link, tables: Sequence[str] = ()
) -> Written:
    """A function that links one sum; or one for each of several sums, and one that links them."""
    about = f"The scores of member {name.rpartition('_')[2]}."
    if len(bodies) == 1:
        lines = [*bodies[0], f"return {linked(link, 'total')}"]
        return Written(name, (_function(name, about, lines),), tuple(tables))
    sums = [
        function(
            f"{name}_{i}(x: tuple[float, ...]) -> float",
            f"The sum of class {i} of those that were met.",
            [*body, "return total"],
        )
        for i, body in enumerate(bodies)
    ]
    totals = ["totals = (", *(f"    {name}_{i}(x)," for i in range(len(bodies))), ")"]
    whole = _function(name, about, [*totals, f"return {linked(link, 'totals')}"])
    return Written(name, (whole, *sums), tuple(tables))


def _function(name: str, about: str, lines: Iterable[str]) -> str:
    return function(f"{name}(x: tuple[float, ...]) -> tuple[float, ...]", about, lines)
