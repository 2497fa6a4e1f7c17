"""Data as source text: the only place where they become any, and only as literals.

A text from data is written by `repr`, which escapes quotes, backslashes, line ends and whatever is
not printable. Names of functions hold no more of it than plain letters and digits.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain

from model_refresh.errors import FitError

Plain = bool | int | float | str | None

_LONGEST = 24
_WIDTH = 96
_NO_LETTERS = re.compile(r"[^a-z0-9]+")


def literal(value: Plain) -> str:
    """The literal of a value; raises FitError for a number that is not finite."""
    if isinstance(value, float) and not math.isfinite(value):
        raise FitError(f"{value} is in a formula, and can't be written out")
    if value is None or isinstance(value, bool | int | float | str):
        return repr(value)
    raise TypeError(f"a {type(value).__name__} is no plain value")


def values(items: Sequence[Plain]) -> str:
    """The literal of a tuple, wrapped."""
    return wrapped([literal(item) for item in items])


def wrapped(parts: Sequence[str]) -> str:
    """A tuple of these expressions; over several lines where it is long."""
    line = f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"
    if len(line) <= _WIDTH:
        return line
    return "(\n" + "\n".join(_lines(parts)) + "\n)"


def table(items: Mapping[str, Plain] | Iterable[tuple[Plain, Plain]]) -> str:
    """The literal of a dictionary, a line an entry."""
    pairs = items.items() if isinstance(items, Mapping) else items
    lines = [f"    {literal(key)}: {literal(value)},\n" for key, value in pairs]
    return "{\n" + "".join(lines) + "}" if lines else "{}"


def identifier(name: str, place: int, *more: str) -> str:
    """A name for code, unlike any other of another place."""
    words = _NO_LETTERS.sub("_", name.lower())[:_LONGEST].strip("_")
    parts = [words if words[:1].isalpha() else f"column_{words}".strip("_"), *more, str(place)]
    return "_".join(parts)


def indented(lines: Iterable[str], depth: int = 1) -> Iterator[str]:
    """The lines further in; of a text with several lines each."""
    parts = chain.from_iterable(line.split("\n") for line in lines)
    return ("    " * depth + part if part else "" for part in parts)


def function(head: str, about: str, body: Iterable[str]) -> str:
    """A function: what stands between `def` and the colon, its docstring, its lines."""
    return "\n".join([f"def {head}:", f'    """{about}"""', *indented(body)])


def _lines(parts: Sequence[str]) -> Iterator[str]:
    line = "   "
    for part in parts:
        if len(line) + len(part) + 2 > _WIDTH and line.strip():
            yield line
            line = "   "
        line += f" {part},"
    yield line
