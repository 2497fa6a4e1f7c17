"""Any history of promotions, approvals, rollbacks and overrides, against a plain list of what happened.

The machine does what people and refreshes do, in any order, while days go by, and never go back; the
naive model keeps one line for each entry, and a copy of all lines for each tick of the clock.
"""

import datetime as dt
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from model_refresh import pipeline
from model_refresh.config.model import Model
from model_refresh.errors import PromotionRefused
from model_refresh.refresh.approval import approve, waiting
from model_refresh.refresh.incumbent import champion_at, champion_by_clock
from model_refresh.refresh.override import override, roll_back
from model_refresh.storage import ModelStore, Store
from model_refresh.storage.verify import verify
from model_refresh_tests.lab import NAME, Lab, copy_lab, make_lab

DAYS = range(10, 14)
QUICK = {
    "training.refit": False,
    "gates": [{"gate": "beats_constant"}],
}
TICK = dt.timedelta(microseconds=1)

days = st.sampled_from(DAYS)
pauses = st.sampled_from([0, 1, 3600, 86_400]).map(lambda seconds: dt.timedelta(seconds=seconds))


@dataclass(frozen=True)
class Happened:
    """What the naive model knows of an entry."""

    kind: str
    version: str
    as_of: dt.datetime


@dataclass
class Naive:
    """A list of what happened, and how it was at each time of the clock."""

    happened: list[Happened] = field(default_factory=list)
    ticks: list[tuple[dt.datetime, list[Happened]]] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)

    def add(self, now: dt.datetime, happened: Happened) -> None:
        if happened.kind == "rollback":
            self.gone.add(self.happened[-1].version)
        if happened.kind == "override":
            self.gone.discard(happened.version)
        self.happened.append(happened)
        self.ticks.append((now, list(self.happened)))

    def of_frame(self, at: dt.datetime) -> str | None:
        return _last(self.happened, at)

    def by_clock(self, at: dt.datetime) -> str | None:
        then = [happened for now, happened in self.ticks if now <= at]
        return _last(then[-1], at) if then else None

    def before_current(self) -> str | None:
        """The champion that the current one first took the place of."""
        versions = [each.version for each in self.happened]
        before = versions[: versions.index(versions[-1])]
        return before[-1] if before else None


def _last(happened: list[Happened], at: dt.datetime) -> str | None:
    found = None
    for each in happened:
        if each.as_of <= at:
            found = each.version
    return found


class ChampionLog(RuleBasedStateMachine):
    """One store, one naive list; after each rule both tell the same of every instant."""

    base: Lab
    manual: Model
    versions: tuple[str, ...]

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.lab = copy_lab(self.base, Path(self.folder.name), QUICK)
        self.now = self.lab.day(DAYS[0])
        self.store: ModelStore = Store(self.lab.home, lambda: self.now).model(NAME)
        self.naive = Naive()

    def teardown(self) -> None:
        try:
            assert list(verify(Store(self.lab.home), [NAME])) == []
        finally:
            self.folder.cleanup()

    @initialize(promoted=st.integers(0, len(DAYS)))
    def begin(self, promoted: int) -> None:
        """Some refreshes that promote, as in any life of a model."""
        for day in DAYS[:promoted]:
            self.refresh(day, by_hand=False, pause=dt.timedelta(hours=1))

    @rule(day=days, by_hand=st.booleans(), pause=pauses)
    def refresh(self, day: int, by_hand: bool, pause: dt.timedelta) -> None:
        """Nobody comes by a refresh of the past, nor what was rolled back; else one line."""
        self.now += pause
        as_of, before = self.lab.day(day), len(self.naive.happened)
        late = any(each.as_of > as_of for each in self.naive.happened)
        done = any(each.kind == "promotion" and each.as_of == as_of for each in self.naive.happened)
        model = self.manual if by_hand else self.lab.model
        try:
            promotion = pipeline.refresh(model, self.store, as_of)
        except PromotionRefused:
            assert not done
            self.require_entries(before)
            return
        expected = "promote" if done else "retain" if late else "wait" if by_hand else "promote"
        assert promotion.decision == expected
        if expected == "promote" and not done:
            self.take_note("promotion", as_of)
            assert self.naive.happened[-1].version not in self.naive.gone
        self.require_entries(before + (expected == "promote" and not done))

    @precondition(lambda self: waiting(self.store) is not None)
    @rule(pause=pauses)
    def approve_what_waits(self, pause: dt.timedelta) -> None:
        """What is said to wait can be approved, once."""
        self.now += pause
        found = waiting(self.store)
        assert found is not None
        entry = approve(self.manual, self.store, found.version, who="ann", reason="looked at it")
        assert entry.as_of == found.promotion.as_of
        self.take_note("promotion", entry.as_of)
        assert waiting(self.store) is None
        again = approve(self.manual, self.store, found.version, who="bob", reason="twice")
        assert again == entry

    @precondition(lambda self: self.naive.happened)
    @rule(of=st.none() | st.integers(0, 9), as_of=st.none() | days, pause=pauses)
    def roll_back(self, of: int | None, as_of: int | None, pause: dt.timedelta) -> None:
        """To the version before the current one, or to any former one that was not taken back."""
        self.now += pause
        versions = [each.version for each in self.naive.happened]
        to = None if of is None else versions[of % len(versions)]
        target = self.naive.before_current() if to is None else to
        when = None if as_of is None else self.lab.day(as_of)
        counts_from = when or self.naive.happened[-1].as_of
        try:
            entry = roll_back(self.store, to=to, who="ann", reason="complaints", as_of=when)
        except PromotionRefused:
            assert target in {None, versions[-1], *self.naive.gone}
            return
        assert entry.version == target
        self.take_note("rollback", counts_from)

    @rule(of=days, as_of=days, pause=pauses)
    def override(self, of: int, as_of: int, pause: dt.timedelta) -> None:
        """Any version at any instant."""
        self.now += pause
        version, when = self.versions[of - DAYS[0]], self.lab.day(as_of)
        override(self.store, version, as_of=when, who="ann", reason="trying")
        self.take_note("override", when)
        assert self.naive.happened[-1].version == version

    @invariant()
    def both_tell_the_same_of_every_instant(self) -> None:
        for at in self.instants():
            of_frame, by_clock = champion_at(self.store, at), champion_by_clock(self.store, at)
            assert (of_frame and of_frame.version) == self.naive.of_frame(at)
            assert (by_clock and by_clock.version) == self.naive.by_clock(at)

    @invariant()
    def the_log_is_one_order(self) -> None:
        lines = self.store.champion.lines()
        digests = [None, *[line.record.digest() for line in lines]]
        assert [line.record.prev for line in lines] == digests[:-1]
        assert [line.record.number for line in lines] == list(range(1, len(lines) + 1))
        promoted = [line.record.as_of for line in lines if line.record.kind == "promotion"]
        assert promoted == sorted(set(promoted)), "promotions only go forward"

    def instants(self) -> Iterator[dt.datetime]:
        """Each instant at which something changes, and just before and after it."""
        frames = [self.lab.day(day) for day in (DAYS[0] - 1, *DAYS, DAYS[-1] + 1)]
        for at in [*frames, *[now for now, _ in self.naive.ticks]]:
            yield from (at - TICK, at, at + TICK)

    def take_note(self, kind: str, as_of: dt.datetime) -> None:
        entry = self.store.champion.lines()[-1].record
        assert (entry.kind, entry.as_of) == (kind, as_of)
        self.naive.add(self.now, Happened(kind, entry.version, as_of))
        self.require_entries(len(self.naive.happened))

    def require_entries(self, number: int) -> None:
        assert len(self.store.champion.lines()) == number


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Lab, tuple[str, ...]]:
    """A lab without a champion, in which all that refreshes fit is there already."""
    lab = make_lab(tmp_path_factory.mktemp("fitted"), QUICK)
    versions = []
    for day in DAYS:
        assert lab.refresh(day).decision == "promote"
        versions.append(lab.store.champion.lines()[-1].record.version)
    for folder in (lab.store.champion.folder, *lab.store.root.glob("refreshes/*/promotion")):
        shutil.rmtree(folder)
    return lab, tuple(versions)


def _machine(fitted: tuple[Lab, tuple[str, ...]]) -> type[ChampionLog]:
    lab, found = fitted
    by_hand = lab.again({**QUICK, "approval": "manual"}).model

    class Fitted(ChampionLog):
        base, manual, versions = lab, by_hand, found

    return Fitted


def test_any_history_is_told_alike_by_the_log_and_by_a_plain_list(
    fitted: tuple[Lab, tuple[str, ...]],
) -> None:
    few = settings(max_examples=10, stateful_step_count=12)
    run_state_machine_as_test(_machine(fitted), settings=few)


@pytest.mark.soak
def test_any_long_history_is_told_alike_by_the_log_and_by_a_plain_list(
    fitted: tuple[Lab, tuple[str, ...]],
) -> None:
    many = settings(max_examples=200, stateful_step_count=25)
    run_state_machine_as_test(_machine(fitted), settings=many)
