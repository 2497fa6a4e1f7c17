"""Where in a query's text something stands: `line:column`, both counted from 1."""

from collections.abc import Iterator
from itertools import pairwise

import duckdb

START = "1:1"


def place_of(word: str, sql: str) -> str:
    """Where a name is used first, be it written `"so"` or `$so`; START where it isn't found.

    What stands in comments and strings is no use of it. Letters' case doesn't matter.
    """
    wanted = word.lower()
    for start, text in _words(sql):
        if text.strip('"').lower() == wanted:
            return _told(sql, start)
    return START


def place_in(sql: str, number: int, excerpt: str, marks: str) -> str:
    """Where DuckDB's `LINE number: excerpt` points, with the line of `marks` below it.

    The line is found by its text: DuckDB's own number is one too many inside of a COPY, and too few
    by the lines that the statement's text was shortened by at its beginning.
    """
    lines = sql.splitlines()
    shown = excerpt.strip(". ")
    found = [n for n, line in enumerate(lines, 1) if shown in line and n >= number - 1]
    line = min(found, key=lambda n: (n != number, n), default=number)
    text = lines[line - 1] if line <= len(lines) else ""
    cut = excerpt.removeprefix("...")  # as a long line is, at both ends
    before = marks.find("^") - len(f"LINE {number}: ") - (len(excerpt) - len(cut))
    start = text.find(cut.removesuffix("..."))
    return f"{line}:{start + before + 1 if start >= 0 and before >= 0 else 1}"


def start_of(sql: str) -> int:
    """Where the statement itself begins: DuckDB takes a comment before it for part of its lines."""
    told = duckdb.tokenize(sql)
    first = next((start for start, kind in told if kind != duckdb.token_type.comment), 0)
    return len(sql.encode()[:first].decode())


def _words(sql: str) -> Iterator[tuple[int, str]]:
    """Each identifier and keyword with where it begins."""
    data = sql.encode()
    ends = [*duckdb.tokenize(sql), (len(data), duckdb.token_type.comment)]
    kinds = (duckdb.token_type.identifier, duckdb.token_type.keyword)
    for (start, kind), (end, _) in pairwise(ends):
        if kind in kinds:
            yield len(data[:start].decode()), data[start:end].decode().strip()


def _told(sql: str, start: int) -> str:
    before = sql[:start]
    return f"{before.count(chr(10)) + 1}:{start - before.rfind(chr(10))}"
