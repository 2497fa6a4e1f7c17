"""Frames: computed once, checked before they are recorded."""

import datetime as dt
from pathlib import Path

import polars as pl
import pytest

from model_refresh.config.model import Model
from model_refresh.errors import DataError, EngineError, NotDue
from model_refresh.records import Frame
from model_refresh.refresh.frame import compute_frame, stored_frame
from model_refresh_tests.lab import FEATURES, Lab, make_lab


def frame_at(lab: Lab, number: int) -> Frame:
    model = lab.model
    return compute_frame(
        model, lab.store, lab.day(number), query=model.definition.frame, backfilled=False
    )


def recorded(lab: Lab, number: int) -> bool:
    query = lab.model.definition.frame.digest()
    return bool(lab.store.frames(query, lab.day(number)).lines())


def with_sql(lab: Lab, features: str) -> Lab:
    (lab.folder / "features.sql").write_text(features)
    return lab.again({})


def test_a_frame_is_computed_once_and_stays_as_it_was_first_scored(fresh: Lab) -> None:
    first = frame_at(fresh, 5)
    fresh.damage(fresh.rows().with_columns(pl.col("spend") * 100))
    assert frame_at(fresh, 5) == first


def test_the_same_data_gives_the_same_digest(tmp_path: Path) -> None:
    one, other = make_lab(tmp_path / "one"), make_lab(tmp_path / "other")
    assert frame_at(one, 5).content == frame_at(other, 5).content


def test_a_frame_knows_nothing_of_the_future(fresh: Lab, tmp_path: Path) -> None:
    future = pl.col("day") >= fresh.day(5).date()
    other = make_lab(tmp_path / "other")
    other.damage(
        other.rows().with_columns(pl.when(future).then(9).otherwise("visited").alias("visited"))
    )
    assert frame_at(other, 5).content == frame_at(fresh, 5).content


@pytest.mark.parametrize(
    ("sql", "check", "why"),
    [
        (FEATURES.replace("GROUP BY customer_id, segment", "GROUP BY customer_id, segment, day"),
         "unique_key", "repeat the customer_id of another row: a join multiplies rows"),
        (FEATURES.replace("customer_id,\n", "nullif(customer_id, 3) AS customer_id,\n", 1),
         "unique_key", "1 rows have no customer_id"),
        (FEATURES.replace("sum(visited) AS visits", "1e308 * 10 * sum(visited) AS visits"),
         "infinities", r"infinite values in visits \("),
        (FEATURES.replace("max(spend) AS most_spent", "NULL::DOUBLE AS most_spent"),
         "nulls", r"null in most_spent \(300\)"),
        (FEATURES.replace("sum(visited) AS visits", "sum(visited) AS __label__"),
         "data", "name is reserved"),
        (FEATURES.replace("customer_id,\n", "customer_id AS customer,\n", 1),
         "data", r"gives no column 'customer_id', did you mean 'customer'\?; it gives"),
    ],
)  # fmt: skip
def test_a_frame_that_fails_a_check_is_not_recorded(
    fresh: Lab, sql: str, check: str, why: str
) -> None:
    lab = with_sql(fresh, sql)
    with pytest.raises(DataError, match=why) as caught:
        frame_at(lab, 5)
    assert caught.value.check == check
    assert not recorded(lab, 5)
    assert [p.name for p in lab.home.rglob(".tmp-*")] == []


def star(lab: Lab) -> Lab:
    """A query that passes on whatever columns the source has."""
    return with_sql(
        lab,
        "SELECT DISTINCT ON (customer_id) * FROM visits WHERE day < $as_of ORDER BY customer_id, day",
    )


def test_a_dropped_source_column_stops_with_a_hint(fresh: Lab) -> None:
    lab = star(fresh)
    frame_at(lab, 5)
    lab.damage(lab.rows().rename({"spend": "spends"}))
    with pytest.raises(DataError, match=r"column 'spend' is gone \(did you mean 'spends'\?\)"):
        frame_at(lab, 6)
    assert not recorded(lab, 6)


def test_a_dropped_column_that_the_query_names_stops_with_a_hint(fresh: Lab) -> None:
    frame_at(fresh, 5)
    fresh.damage(fresh.rows().rename({"spend": "spends"}))
    with pytest.raises(EngineError, match=r"(?s)features\.sql.*spend.*spends"):
        frame_at(fresh, 6)


def test_a_changed_type_stops(fresh: Lab) -> None:
    lab = star(fresh)
    frame_at(lab, 5)
    lab.damage(lab.rows().with_columns(pl.col("spend").cast(pl.String)))
    with pytest.raises(DataError, match="'spend' was number and is text"):
        frame_at(lab, 6)


def test_a_lossless_widening_and_an_extra_column_pass(fresh: Lab) -> None:
    lab = star(fresh)
    frame_at(lab, 5)
    wider = pl.col("visited").cast(pl.Float64)
    lab.damage(lab.rows().with_columns(wider, pl.lit("web").alias("channel")))
    assert "channel" in [column.name for column in frame_at(lab, 6).columns]


def test_half_of_the_rows_stop_the_frame(fresh: Lab) -> None:
    frame_at(fresh, 5)
    fresh.damage(fresh.rows().filter(pl.col("customer_id") < 140))
    with pytest.raises(DataError, match=r"140 rows against 300 in the last 1 frames \(-53%\)"):
        frame_at(fresh, 6)


def test_an_empty_frame_is_computed_again_when_the_data_has_come(fresh: Lab) -> None:
    whole = fresh.rows()
    fresh.damage(whole.filter(pl.lit(value=False)))
    assert frame_at(fresh, 5).rows == 0
    fresh.damage(whole)
    assert frame_at(fresh, 5).rows == 300
    stored = stored_frame(fresh.store, fresh.model.definition.frame.digest(), fresh.day(5))
    assert stored is not None
    assert stored.rows == 300


@pytest.mark.parametrize(("reached", "ready"), [(4, False), (5, True), (6, True)])
def test_no_frame_is_computed_before_the_source_has_reached_it(
    fresh: Lab, reached: int, ready: bool
) -> None:
    (fresh.folder / "ready.sql").write_text("SELECT max(day) AS reached FROM visits")
    lab = fresh.again({"source.ready": "ready.sql"})
    lab.damage(lab.rows().filter(pl.col("day") <= lab.day(reached).date()))
    if ready:
        assert frame_at(lab, 5).rows == 300
        return
    with pytest.raises(NotDue, match=r"has reached 2024-01-19 00:00 UTC.*run again"):
        frame_at(lab, 5)
    assert not recorded(lab, 5)


@pytest.mark.parametrize(
    ("sql", "met"),
    [
        ("SELECT 'soon' AS reached", "'soon'"),
        ("SELECT max(day) AS reached, max(spend) FROM visits", r'2 columns, reached, max\(spend\)'),
        ("SELECT day FROM visits WHERE customer_id = 3", r"\d\d rows"),
    ],
)  # fmt: skip
def test_a_source_that_gives_more_or_other_than_one_instant_is_refused_by_its_file(
    fresh: Lab, sql: str, met: str
) -> None:
    (fresh.folder / "ready.sql").write_text(sql)
    lab = fresh.again({"source.ready": "ready.sql"})
    place = rf"{lab.folder}/ready\.sql:1:1"
    with pytest.raises(DataError, match=rf"^{place} gives {met}; one date or timestamp is needed"):
        frame_at(lab, 5)


def test_a_source_without_a_row_is_empty(fresh: Lab) -> None:
    (fresh.folder / "ready.sql").write_text("SELECT day FROM visits WHERE false")
    lab = fresh.again({"source.ready": "ready.sql"})
    with pytest.raises(NotDue, match="the source is empty"):
        frame_at(lab, 5)


EVENTS = "SELECT customer_id, day, spend FROM visits WHERE day >= $as_of AND day < $next ORDER BY customer_id, day"


def event_lab(lab: Lab, sql: str) -> Lab:
    (lab.folder / "features.sql").write_text(sql)
    return lab.again(
        {"frame.rows": "event", "frame.event_time": "day", "frame.key": ["customer_id", "day"]}
    )


def test_an_event_frame_holds_the_coming_window(fresh: Lab) -> None:
    assert frame_at(event_lab(fresh, EVENTS), 5).rows == 300


def test_events_outside_of_the_window_stop(fresh: Lab) -> None:
    lab = event_lab(fresh, EVENTS.replace("day < $next", "day <= $next"))
    with pytest.raises(DataError, match=r"300 rows have day outside of \[\$as_of, \$next\)"):
        frame_at(lab, 5)


def test_windows_tile_the_time_line(fresh: Lab) -> None:
    lab = event_lab(fresh, EVENTS)
    days = [lab.day(number) for number in range(5, 9)]
    tables = []
    for number in range(5, 9):
        frame = frame_at(lab, number)
        tables.append(pl.read_parquet(lab.store.place(frame)))
    together = pl.concat(tables)
    dates = sorted(set(together["day"].cast(pl.Date).to_list()))
    assert dates == [day.date() for day in days]
    assert together.height == 4 * 300


def test_a_model_without_a_watermark_needs_none(fresh: Lab) -> None:
    model: Model = fresh.model
    assert model.ready_sql is None
    assert frame_at(fresh, 5).as_of == fresh.day(5) == dt.datetime(2024, 1, 20, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"columns.exclude": ["segmnt"]}, "columns.exclude"),
        ({"comparison.group": "segmnt"}, "comparison.group"),
        ({"comparison.disjoint": "segmnt"}, "comparison.disjoint"),
        ({"frame.assumes_known": ["segmnt"]}, "frame.assumes_known"),
    ],
)
def test_a_declared_column_that_the_query_does_not_give_stops_before_training(
    fresh: Lab, changes: dict[str, object], field: str
) -> None:
    with pytest.raises(DataError, match=f"{field} names 'segmnt'.*did you mean 'segment'"):
        frame_at(fresh.again(changes), 5)


def test_a_label_inside_the_features_query_may_be_empty_until_it_is_known(fresh: Lab) -> None:
    sql = (fresh.folder / "features.sql").read_text()
    unknown = "segment,\n    NULL::INTEGER AS visited,"
    (fresh.folder / "features.sql").write_text(sql.replace("segment,", unknown, 1))
    assert frame_at(fresh.again({"label.query": None}), 5).rows == 300


def test_of_two_processes_that_compute_a_frame_both_take_the_first(
    fresh: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    sql = (fresh.folder / "features.sql").read_text()
    (fresh.folder / "features.sql").write_text(sql.replace("ORDER BY customer_id", ""))
    lab = fresh.again({})
    first = frame_at(lab, 5)
    unseen = iter([None])  # it was not there yet when the second looked
    monkeypatch.setattr(
        "model_refresh.refresh.frame.stored_frame",
        lambda *where: next(unseen, stored_frame(*where)),
    )
    assert frame_at(lab, 5) == first
