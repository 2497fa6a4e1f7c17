"""Whatever table there is: what `init` writes passes `check`, or it says why it wrote nothing."""

import datetime as dt
import tempfile
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from model_refresh.config.fleet import load_fleet
from model_refresh.config.queries import query_problems
from model_refresh.errors import DataError, EngineError
from model_refresh.scaffold.writing import write_folder
from model_refresh_tests.scaffold.tables import NAME, proposed

ROWS = 240
DAY = dt.timedelta(days=1)
FIRST = dt.datetime(2025, 1, 1)  # noqa: DTZ001 - columns of files have no zone

names = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12)
values = st.one_of(
    st.builds(lambda n: [i % n for i in range(ROWS)], st.integers(1, 200)),
    st.builds(lambda n: [f"k{i * 7 % n}" for i in range(ROWS)], st.integers(1, 200)),
    st.builds(lambda n: [i * n % 1.7 for i in range(ROWS)], st.floats(0.01, 9)),
    st.builds(lambda n: [None if i % n else i / 3 for i in range(ROWS)], st.integers(1, 9)),
    st.builds(lambda n: [i % n == 0 for i in range(ROWS)], st.integers(2, 9)),
    st.just(list(range(ROWS))),
    st.just([float("inf") if i % 50 == 1 else i / 7 for i in range(ROWS)]),
)
moments = st.one_of(
    st.builds(lambda n: [(FIRST + i // n * DAY).date() for i in range(ROWS)], st.integers(1, 12)),
    st.builds(lambda n: [FIRST + i * n * DAY / 24 for i in range(ROWS)], st.integers(1, 90)),
    st.builds(
        lambda n: [str((FIRST + i * n * DAY).date()) for i in range(ROWS)], st.integers(0, 3)
    ),
)


tables = st.fixed_dictionaries(
    {
        "columns": st.dictionaries(names, values, min_size=1, max_size=6),
        "when": moments,
        "label": st.sampled_from(["label", "churned", "other"]),
        "every": st.integers(2, 5),
    }
)
whatever = settings(
    deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True, database=None
)


@settings(whatever, max_examples=3)
@given(drawn=tables)
def test_whatever_is_written_passes_check(drawn: dict[str, Any]) -> None:
    require_sound_or_told(**drawn)


@pytest.mark.soak
@settings(whatever, max_examples=60)
@given(drawn=tables)
def test_whatever_is_written_passes_check_for_many_more_tables(drawn: dict[str, Any]) -> None:
    require_sound_or_told(**drawn)


def require_sound_or_told(
    *, columns: dict[str, list[object]], when: list[object], label: str, every: int
) -> None:
    """Make a model of these columns, and check it; or be told why there is none."""
    taken = {name.casefold() for name in columns}
    rows = pl.DataFrame(
        {name: list(each) for name, each in columns.items()}
        | ({"made_at": when} if "made_at" not in taken else {})
        | ({label: [i * 31 % 97 % every == 0 for i in range(ROWS)]} if label not in taken else {})
    )
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        try:
            proposal = proposed(folder, rows)
        except (DataError, EngineError) as error:
            assert str(error)
            return
        write_folder(folder / "fleet" / NAME, proposal.files)
        (model,) = load_fleet(folder / "fleet", environment={})
        assert query_problems(model) == []
