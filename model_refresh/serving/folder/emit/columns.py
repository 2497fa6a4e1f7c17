"""A function for each column that members read: from a row's value to a number."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from model_refresh.scorer.formula.encoding import (
    Category,
    Feature,
    Indicator,
    Moment,
    Number,
    Target,
)
from model_refresh.scorer.formula.moments import Part
from model_refresh.serving.folder.emit.source import Plain, function, identifier, literal, table

_PARTS: dict[Part, tuple[str, str]] = {
    "day": ("moment.toordinal() - 719163", "Days since 1970"),
    "weekday": ("moment.isoweekday()", "The weekday, Monday is 1"),
    "minute": ("moment.hour * 60 + moment.minute", "The minute of the day"),
    "hour": ("moment.hour", "The hour"),
    "month": ("moment.month", "The month"),
    "day_of_month": ("moment.day", "The day of the month"),
    "day_of_year": ("moment.timetuple().tm_yday", "The day of the year"),
}


@dataclass(frozen=True)
class Read:
    """A column: the feature that it comes from, and which of that feature's columns it is."""

    feature: Feature
    number: int


@dataclass(frozen=True)
class Columns:
    """All columns that any member reads, each once."""

    reads: tuple[Read, ...]
    places: tuple[tuple[int, ...], ...]
    """By encoding, by column of its matrix: the place among `reads`."""

    @classmethod
    def of(cls, encodings: Sequence[Sequence[Feature]]) -> "Columns":
        """Those of these encodings."""
        each = [
            [Read(feature, i) for feature in encoding for i in range(_width(feature))]
            for encoding in encodings
        ]
        known = {
            read: place for place, read in enumerate(dict.fromkeys(r for e in each for r in e))
        }
        return cls(tuple(known), tuple(tuple(known[read] for read in reads) for reads in each))

    def name(self, place: int) -> str:
        """The function of a column, and the variable that holds what it gives."""
        read = self.reads[place]
        match read.feature:
            case Moment(name=name, parts=parts):
                return identifier(name, place, parts[read.number])
            case Indicator(name=name):
                return identifier(name, place, "missing")
            case Target(name=name):
                return identifier(name, place, "target")
            case other:
                return identifier(other.name, place)

    def text(self) -> str:
        """The functions, and `columns`, which calls them all."""
        calls = [f"{self.name(place)}(row)," for place in range(len(self.reads))]
        every = function(
            "columns(row: dict[str, object]) -> tuple[float, ...]",
            "What members read of a row; nan is a missing value.",
            ["return (", *(f"    {call}" for call in calls), ")"] if calls else ["return ()"],
        )
        each = [part for place in range(len(self.reads)) for part in self._parts(place)]
        return "\n\n\n".join([every, *each])

    def _parts(self, place: int) -> Iterator[str]:
        """The function of one column, and before it the table that it looks into."""
        name, read = self.name(place), self.reads[place]
        head = f"{name}(row: dict[str, object]) -> float"
        key = literal(read.feature.name)
        match read.feature:
            case Number():
                yield function(head, "A number.", [f"return as_number({key}, row[{key}])"])
            case Indicator():
                lines = [f"return float(isnan(as_number({key}, row[{key}])))"]
                yield function(head, "1 where it is missing, else 0.", lines)
            case Moment(parts=parts):
                expression, about = _PARTS[parts[read.number]]
                lines = [f"value = row[{key}]", "if value is None:", "    return nan"]
                lines += [f"moment = as_instant({key}, value)", f"return float({expression})"]
                yield function(head, f"{about}, in UTC.", lines)
            case Category() as feature:
                found = [float(i + 1) for i in range(len(feature.values))]
                yield f"{name.upper()} = {table(_pairs(feature, found))}"
                about = "The code of a category; 0 of one that was not learned."
                lines = _look_up(feature, name.upper(), missing="nan", other="0.0")
                yield function(head, about, lines)
            case Target() as feature:
                yield f"{name.upper()} = {table(_pairs(feature, feature.means[read.number]))}"
                gap, prior = feature.missing[read.number], feature.prior[read.number]
                about = "The mean label of a category; the overall one where it was not learned."
                lines = _look_up(feature, name.upper(), missing=literal(gap), other=literal(prior))
                yield function(head, about, lines)


def _pairs(feature: Category | Target, numbers: Sequence[float]) -> Iterator[tuple[Plain, Plain]]:
    """Each category, as rows have it, and its number."""
    for text, number in zip(feature.values, numbers, strict=True):
        match feature.type:
            case "text":
                yield text, number
            case "boolean":
                yield text == "true", number
            case _:
                yield float(text), number


def _look_up(feature: Category | Target, known: str, *, missing: str, other: str) -> list[str]:
    key = literal(feature.name)
    found = f"{known}.get(value, {other})"
    match feature.type:
        case "text":
            lines = [f"value = row[{key}]", "if value is None:", f"    return {missing}"]
            return [*lines, f"return {known}.get(as_text({key}, value), {other})"]
        case "boolean":
            lines = [f"value = as_truth({key}, row[{key}])"]
            return [*lines, f"return {missing} if value is None else {found}"]
        case _:
            lines = [f"value = as_number({key}, row[{key}])"]
            return [*lines, f"return {missing} if isnan(value) else {found}"]


def _width(feature: Feature) -> int:
    """How many columns a feature becomes."""
    match feature:
        case Moment(parts=parts):
            return len(parts)
        case Target(means=means):
            return len(means)
        case _:
            return 1
