"""New data as a reason: once a change, once its files are whole, and never for a frame again."""

import datetime as dt
from pathlib import Path

import pytest

from model_refresh.config.model import Model
from model_refresh.monitoring.news import Change, NewsRound, Seen, Step, new_data
from model_refresh.monitoring.orders import give_order
from model_refresh.monitoring.sources import SourceState, look_at_source
from model_refresh.monitoring.watch import Watch
from model_refresh.records import Order, Reason
from model_refresh.storage import Store
from model_refresh_tests.factories import START, make_model
from model_refresh_tests.monitoring.worlds import BUG, DAY, begin, end, state_at, store_of

MONDAY = dt.datetime(1998, 3, 2, tzinfo=dt.UTC)
NOW = MONDAY + 2 * DAY


def files(name: str) -> SourceState:
    return SourceState(files=name * 64)


def reached(instant: dt.datetime | None, name: str = "a") -> SourceState:
    return SourceState(files=name * 64, watermark=instant)


@pytest.fixture
def model(tmp_path: Path) -> Model:
    """Any change of its files is new data."""
    return make_model(tmp_path)


@pytest.fixture
def ready_model(tmp_path: Path) -> Model:
    """One with a watermark: the newest purchase."""
    (tmp_path / "ready").mkdir()
    (tmp_path / "ready" / "ready.sql").write_text("SELECT max(bought_at) FROM purchases")
    return make_model(tmp_path, name="ready", ready="ready.sql", new_data=True)


def looks(model: Model, *found: str, first: str = "a", now: dt.datetime = NOW) -> list[Step]:
    """What looks at these files add, one after another, once `first` was seen."""
    steps = [Step(files(first))]
    for name in found:
        state = state_at(model, now)
        steps.append(new_data(state, steps[-1].source, found=files(name), change=steps[-1].change))
    return steps[1:]


def by_watermark(
    model: Model, seen: SourceState | None, found: SourceState, now: dt.datetime = NOW
) -> Reason | None:
    return new_data(state_at(model, now), seen, found=found).reason


def test_the_first_look_at_a_source_only_takes_note_of_it(model: Model, ready_model: Model) -> None:
    assert new_data(state_at(model, NOW), None, found=files("a")) == Step(files("a"))
    assert by_watermark(ready_model, None, reached(NOW)) is None


def test_files_ask_for_the_newest_frame_once_two_looks_agree(model: Model) -> None:
    assert [step.reason is not None for step in looks(model, *"aabbbb")] == [
        *(False, False, False, True, False, False)
    ]
    (reason,) = [step.reason for step in looks(model, *"bb") if step.reason]
    assert reason.as_of == MONDAY
    assert reason.sentence == "the source's files changed"
    (other,) = [step.reason for step in looks(model, *"cc") if step.reason]
    assert other.request != reason.request


def test_files_that_are_still_being_written_ask_for_nothing_yet(model: Model) -> None:
    """Three changes in three minutes, each of a part of the file: one refresh, of all of it."""
    steps = looks(model, *"bcdd")
    assert [step.reason is not None for step in steps] == [False, False, False, True]
    assert steps[-1].source == files("d")


def test_files_that_go_back_to_what_they_were_have_not_changed(model: Model) -> None:
    steps = looks(model, *"baa")
    assert [step.reason for step in steps] == [None, None, None]
    assert steps[-1] == Step(files("a"))


def test_a_change_counts_for_the_frame_that_was_the_newest(model: Model) -> None:
    """One just before midnight is not the next frame's, whose data are still to come."""
    before = state_at(model, MONDAY - dt.timedelta(minutes=1))
    step = new_data(before, files("a"), found=files("b"))
    assert step.change == Change(files="b" * 64, as_of=MONDAY - 7 * DAY)
    after = state_at(model, MONDAY + dt.timedelta(minutes=1))
    asked = new_data(after, step.source, found=files("b"), change=step.change)
    assert asked.reason is not None
    assert asked.reason.as_of == MONDAY - 7 * DAY
    assert asked == Step(files("b"), reason=asked.reason)


def test_files_that_change_again_across_midnight_count_for_the_new_frame(model: Model) -> None:
    """They were still being written: the first look after it finds others than the last before."""
    change = Change(files="b" * 64, as_of=MONDAY - 7 * DAY)
    step = new_data(state_at(model, MONDAY), files("a"), found=files("c"), change=change)
    assert step == Step(files("a"), Change(files="c" * 64, as_of=MONDAY))


def test_a_change_that_a_newer_refresh_overtook_is_told_and_asks_no_more(model: Model) -> None:
    begin(store_of(model), MONDAY)
    change = Change(files="b" * 64, as_of=MONDAY - 7 * DAY)
    step = new_data(state_at(model, NOW), files("a"), found=files("b"), change=change)
    assert step == Step(
        files("b"),
        note="repurchase: new data of 1998-02-23 start nothing: the refresh of 1998-03-02 has begun",
    )


def test_before_the_first_possible_refresh_no_change_asks(model: Model, ready_model: Model) -> None:
    early = START + 40 * DAY
    assert [step.reason for step in looks(model, *"bb", now=early)] == [None, None]
    assert by_watermark(ready_model, reached(None), reached(early), early) is None


def test_a_frame_that_was_refreshed_is_asked_for_no_more(model: Model) -> None:
    end(store_of(model), MONDAY)
    (_, over) = looks(model, *"bb")
    assert over == Step(files("b"), note="repurchase: 1998-03-02 is refreshed: retain: not better")


@pytest.mark.parametrize("has_a_result", [True, False])
@pytest.mark.parametrize("later", [dt.timedelta(hours=1), 7 * DAY])
def test_new_data_wait_for_the_run_that_is_at_their_frame_and_ask_where_it_had_no_result(
    model: Model, has_a_result: bool, later: dt.timedelta
) -> None:
    """A person's run, say, that began before the data came, and was cancelled."""
    change = Change(files="b" * 64, as_of=MONDAY)
    queued = {(model.name, "1998-03-02")}
    waiting = new_data(
        state_at(model, NOW), files("a"), found=files("b"), change=change, queued=queued
    )
    told = "repurchase: the refresh of 1998-03-02 waits for its turn or is under way"
    assert waiting == Step(files("a"), change, note=told)
    if has_a_result:
        end(store_of(model), MONDAY)
    gone = new_data(state_at(model, NOW + later), files("a"), found=files("b"), change=change)
    assert gone.source == files("b")
    assert (gone.reason is None) == has_a_result
    assert gone.reason is None or gone.reason.as_of == MONDAY


def test_a_watermark_waits_for_the_run_that_is_at_its_frame_too(ready_model: Model) -> None:
    """A tick of the schedule was left to it: nothing else would ask."""
    seen, found = reached(MONDAY - dt.timedelta(hours=1)), reached(MONDAY)
    state, queued = state_at(ready_model, NOW), {("ready", "1998-03-02")}
    waiting = new_data(state, seen, found=found, queued=queued)
    assert (waiting.source, waiting.reason) == (seen, None)
    assert by_watermark(ready_model, waiting.source, found) is not None


def test_a_tick_that_waited_for_its_data_begins_when_they_come(tmp_path: Path) -> None:
    """Also where the model declares no trigger of new data: its tick has left it to the watermark."""
    (tmp_path / "weekly").mkdir()
    (tmp_path / "weekly" / "ready.sql").write_text("SELECT max(bought_at) FROM purchases")
    weekly = make_model(tmp_path, name="weekly", ready="ready.sql")
    tick, late = MONDAY + dt.timedelta(hours=6), reached(MONDAY - dt.timedelta(hours=1))

    def asked(now: dt.datetime, found: SourceState) -> Reason | None:
        return new_data(state_at(weekly, now), late, found=found).reason

    assert asked(tick - dt.timedelta(minutes=1), reached(MONDAY)) is None, "the tick itself will"
    assert asked(tick + dt.timedelta(days=1), late) is None
    reason = asked(tick + dt.timedelta(days=1), reached(MONDAY + dt.timedelta(hours=23)))
    assert reason is not None
    assert (reason.kind, reason.as_of) == ("schedule", MONDAY)
    assert reason.sentence == "scheduled: 0 6 * * MON UTC; its data are there"
    assert reason.request == "weekly|1998-03-02|schedule|1998-03-02T06:00"
    give_order(store_of(weekly, MONDAY), Order(kind="hold", who="ann", reason="no"))
    give_order(
        store_of(weekly, tick + dt.timedelta(hours=1)), Order(kind="release", who="ann", reason="")
    )
    assert asked(tick + dt.timedelta(days=1), reached(MONDAY)) is None, "it was held at its tick"


def test_a_change_that_was_barred_is_asked_for_when_it_is_no_more(model: Model) -> None:
    store = store_of(model)
    give_order(store, Order(kind="skip", as_of=MONDAY, who="ann", reason="no"))
    steps = looks(model, *"bbb")
    assert [step.reason for step in steps] == [None, None, None]
    assert steps[-1].note is not None
    assert "is skipped by ann" in steps[-1].note
    give_order(store, Order(kind="release", who="ann", reason=""))
    last = steps[-1]
    again = new_data(state_at(model, NOW), last.source, found=files("b"), change=last.change)
    assert again.reason is not None


@pytest.mark.parametrize(
    ("seen", "found", "as_of"),
    [
        (MONDAY - dt.timedelta(hours=1), MONDAY, MONDAY),
        (MONDAY - dt.timedelta(hours=1), MONDAY + dt.timedelta(hours=9), MONDAY),
        (MONDAY - dt.timedelta(days=9), MONDAY - dt.timedelta(1), MONDAY - dt.timedelta(7)),
        (None, MONDAY, MONDAY),
        (MONDAY, MONDAY + dt.timedelta(days=1), None),  # no frame lies between them
        (MONDAY, MONDAY, None),
        (MONDAY, MONDAY - dt.timedelta(days=9), None),  # a watermark that went back
        (MONDAY, None, None),
        (None, START - dt.timedelta(days=1), None),
    ],
)
def test_a_watermark_asks_for_the_newest_frame_that_it_reached(
    ready_model: Model,
    seen: dt.datetime | None,
    found: dt.datetime | None,
    as_of: dt.datetime | None,
) -> None:
    reason = by_watermark(ready_model, reached(seen), reached(found))
    assert (reason and reason.as_of) == as_of


def test_a_frame_is_reached_once_however_far_the_watermark_went(ready_model: Model) -> None:
    before = reached(MONDAY - dt.timedelta(hours=1))
    reasons = [
        by_watermark(ready_model, before, reached(MONDAY + dt.timedelta(hours=hours)))
        for hours in (0, 5)
    ]
    first, later = [reason.request for reason in reasons if reason]
    assert first == later
    assert [reason.sentence for reason in reasons if reason] == [
        "the source has reached 1998-03-02 00:00 UTC",
        "the source has reached 1998-03-02 05:00 UTC",
    ]


def test_where_a_watermark_is_declared_changed_files_alone_are_no_reason(
    ready_model: Model,
) -> None:
    for instant in (MONDAY, None):
        assert by_watermark(ready_model, reached(instant, "a"), reached(instant, "b")) is None


def test_a_watermark_ahead_of_the_clock_is_not_missed_when_its_frame_comes(
    ready_model: Model,
) -> None:
    """Told on Sunday that Monday is complete: on Sunday there is nothing to do, on Monday there is."""
    sunday, monday = MONDAY - dt.timedelta(hours=1), MONDAY + dt.timedelta(minutes=1)
    seen = [look_at_source(ready_model, now) for now in (MONDAY - 2 * DAY, sunday, monday)]
    assert by_watermark(ready_model, seen[0], seen[1], sunday) is None
    reason = by_watermark(ready_model, seen[1], seen[2], monday)
    assert reason is not None
    assert reason.as_of == MONDAY


@pytest.mark.parametrize(("is_whole", "kept"), [(True, {"anna"}), (False, {"anna", "gone"})])
def test_what_was_seen_of_models_that_are_gone_is_forgotten_once_all_can_be_read(
    tmp_path: Path, is_whole: bool, kept: set[str]
) -> None:
    """A model whose declaration is wrong for an hour does not lose what comes in that hour."""
    anna = make_model(tmp_path, name="anna")
    change = Change(files="b" * 64, as_of=MONDAY)
    seen = Seen(sources={"gone": files("a")}, changes={"gone": change})
    look = NewsRound(Watch(), NOW, is_whole=is_whole)
    found = look.over([anna], Store(tmp_path / "home"), seen).seen
    assert set(found.sources) == kept
    assert set(found.changes) == kept - {"anna"}


class Odd(Watch):
    """A look that raises what nobody foresaw, for one model."""

    def look(self, model: Model, now: dt.datetime) -> SourceState:
        if model.name == "anna":
            raise BUG
        return super().look(model, now)


def test_a_bug_that_one_model_is_enough_for_is_told_and_stops_no_other(
    tmp_path: Path, model: Model, ready_model: Model
) -> None:
    other = make_model(tmp_path, name="anna")
    found = NewsRound(Odd(), NOW).over([other, model], Store(tmp_path / "home"), Seen())
    assert set(found.seen.sources) == {"repurchase"}
    assert found.notes == [f"anna: RuntimeError: {BUG}"]


def test_a_store_that_cannot_be_read_is_told_and_stops_no_other(
    tmp_path: Path, model: Model
) -> None:
    other = make_model(tmp_path, name="anna")
    give_order(store_of(other), Order(kind="release", who="ann", reason=""))
    store_of(other).orders.path(1).write_text("{")
    look = NewsRound(Watch(), NOW)
    found = look.over([other, model], Store(tmp_path / "home"), Seen())
    assert set(found.seen.sources) == {"repurchase"}
    assert [note.split(": ")[0] for note in found.notes] == ["anna"]
