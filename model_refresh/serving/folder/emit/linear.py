"""Sums of terms as text, each term on its own lines under the name of its column."""

from collections.abc import Iterator, Sequence

from model_refresh.scorer.formula.linear import CategoryTerm, Curve, NumberTerm, Sum
from model_refresh.serving.folder.emit.source import literal, values


def terms(each: Sum, names: Sequence[str]) -> list[str]:
    """Lines that leave the sum in `total`; the columns' values are in variables of these names."""
    lines = [f"total = {literal(each.intercept)}"]
    for number in each.numbers:
        lines += _number(number, names[number.column])
    for category in each.categories:
        lines += _category(category, names[category.column])
    return lines


def _number(term: NumberTerm, name: str) -> Iterator[str]:
    yield f"if isnan({name}):"
    yield f"    total += {literal(term.missing)}"
    yield "else:"
    centred = f"({name} - {literal(term.centre)}) / {literal(term.scale)}"
    yield f"    z = bounded({centred}, {literal(term.furthest)})"
    if term.curve is None:
        yield f"    total += {literal(term.weight)} * z"
        return
    yield from _curved(term.weight, term.curve)


def _curved(weight: float, curve: Curve) -> Iterator[str]:
    yield f"    total += added({literal(weight)} * z, bends("
    yield "        z,"
    yield f"        {_flat(curve.knots)},"
    yield f"        centres={_flat(curve.centres)},"
    yield f"        scales={_flat(curve.scales)},"
    yield f"        weights={_flat(curve.weights)},"
    yield "    ))"


def _category(term: CategoryTerm, name: str) -> Iterator[str]:
    """By code; the last is of a missing value."""
    yield f"total += {values(term.weights)}[-1 if isnan({name}) else int({name})]"


def _flat(numbers: Sequence[float]) -> str:
    return f"({', '.join(map(literal, numbers))},)"
