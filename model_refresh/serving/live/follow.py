"""Serving whoever is champion: the log is followed, and a new one takes over once it is verified.

A version that can't take over leaves the last good one where it is, and what is served says why.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from model_refresh.errors import ModelRefreshError
from model_refresh.records import Entry
from model_refresh.scorer.formula.errors import ScorerError
from model_refresh.scorer.formula.formula import Formula
from model_refresh.scorer.golden import Golden
from model_refresh.scorer.http.facts import NextVersion
from model_refresh.scorer.http.served import Served, Serving, Unready
from model_refresh.scorer.http.settings import Settings
from model_refresh.serving.live.shadow import find_shadow, require_same_row
from model_refresh.storage import ModelStore

ScorerOf = Callable[[ModelStore, str], tuple[bytes, bytes]]
"""A version's formula and golden rows as bytes, verified; raises ModelRefreshError."""

POLL_SECONDS = 1.0
AGAIN_SECONDS = 30.0
"""What failed is tried again after so long: somebody may have restored a file."""

_SETTLED_SECONDS = 5.0
"""A folder that changed less than this ago may change again without its time telling."""

_FAILURES = (ModelRefreshError, ScorerError, OSError)

_log = logging.getLogger("model_refresh.serve")


@dataclass
class Follower:
    """Keeps `serving` at the newest champion of a store, and, with `shadow`, who is beside it."""

    store: ModelStore
    serving: Serving
    settings: Settings
    scorer_of: ScorerOf
    shadow: bool = False
    _seen: tuple[float, ...] = ()
    _told: set[str] = field(default_factory=set)
    _again: float | None = None

    async def follow(self, *, every: float = POLL_SECONDS) -> None:
        """Look for ever; what takes long is done beside the requests."""
        while True:
            try:
                await asyncio.to_thread(self.look)
            except Exception as fault:  # noqa: BLE001 - any fault is told; it must not end following
                told = f"the champion log can't be followed: {type(fault).__name__}: {fault}"
                self._tell(None, told, fault)
            await asyncio.sleep(every)

    def look(self) -> None:
        """Take over what is new. A damaged or unreadable store is told, and stops nothing."""
        seen = self._stamp()
        is_again = self._again is not None and time.monotonic() > self._again
        if seen == self._seen and not is_again:
            return
        self._seen, self._again = seen, None
        entry = self._look_at_champion()
        if self.shadow and entry is not None:
            self._look_at_shadow(entry)

    def _look_at_champion(self) -> Entry | None:
        """The newest entry, once its version answers; None where it doesn't."""
        entry, now = None, self.serving.now
        try:
            entry = self._newest()
            if entry is None:
                raise Unready(f"{self.store.name} has no champion yet: refresh it")
            served = self._served(entry)
            if self._newest() != entry:  # such as a rollback while it was being loaded
                self._seen = ()
                return None
        except _FAILURES as error:
            self._tell(entry, str(error))
            return None
        if now is None or now.digest != served.digest:
            _log.info("entry %d: version %s answers", entry.number, served.version)
            self._drop_unfit_shadow(served)
        self.serving.now, self.serving.next = served, None
        return entry

    def _drop_unfit_shadow(self, champion: Served) -> None:
        """Before another champion answers: who stood beside the last one may not take its rows."""
        serving = self.serving
        if serving.shadow is None:
            return
        try:
            require_same_row(serving.shadow.scorer.formula, champion.scorer.formula)
        except ScorerError as error:
            serving.shadow, serving.shadow_problem = None, str(error)

    def _served(self, entry: Entry) -> Served:
        """The version of an entry, verified; the one that is served already is taken as it is."""
        now = self.serving.now
        if now is not None and now.digest == entry.artifact:
            return replace(now, since=entry.as_of)
        formula, golden = self._read(entry.version)
        if formula.artifact != entry.artifact:
            raise Unready(
                f"the scorer of version {entry.version} is not of the artifact that entry "
                f"{entry.number} of the champion log names"
            )
        return Served.made(formula, golden, self.settings, since=entry.as_of)

    def _look_at_shadow(self, champion: Entry) -> None:
        serving = self.serving
        try:
            version = find_shadow(self.store, champion)
            if version is None:
                serving.shadow, serving.shadow_problem = None, None
                return
            beside = self._beside(version)
            if serving.now is not None:
                require_same_row(beside.scorer.formula, serving.now.scorer.formula)
            serving.shadow, serving.shadow_problem = beside, None
        except _FAILURES as error:
            self._again = time.monotonic() + AGAIN_SECONDS
            serving.shadow, serving.shadow_problem = None, str(error)
            self._warn(f"no shadow: {error}")

    def _beside(self, version: str) -> Served:
        """The shadow of this version, verified; one that is loaded already is taken as it is."""
        beside = self.serving.shadow
        if beside is not None and beside.version == version:
            return beside
        formula, golden = self._read(version)
        if formula.artifact != self.store.version(version).digest:
            raise Unready(f"the scorer of version {version} is not of the artifact that is stored")
        return Served.made(formula, golden, self.settings)

    def _read(self, version: str) -> tuple[Formula, Golden]:
        formula, golden = self.scorer_of(self.store, version)
        return Formula.decode(formula), Golden.decode(golden)

    def _newest(self) -> Entry | None:
        lines = self.store.champion.lines()
        return lines[-1].record if lines else None

    def _tell(self, entry: Entry | None, problem: str, fault: Exception | None = None) -> None:
        """Say why the newest champion does not answer; what answered goes on."""
        self._again = time.monotonic() + AGAIN_SECONDS
        if self.serving.now is None:
            self.serving.problem = problem
        else:
            self.serving.next = NextVersion(None if entry is None else entry.version, problem)
        self._warn(problem, fault)

    def _warn(self, problem: str, fault: Exception | None = None) -> None:
        """Once each, not every second."""
        if problem not in self._told:
            self._told.add(problem)
            _log.warning("%s", problem, exc_info=fault)

    def _stamp(self) -> tuple[float, ...]:
        """What changes when there may be something new: cheap enough for every second."""
        folders = [self.store.champion.folder]
        if self.shadow and (instants := self.store.refreshed()):
            newest = instants[-1]
            folders += [
                self.store.comparisons(newest).folder,
                self.store.challengers(newest).folder,
            ]
        changed = [_changed(folder) for folder in folders]
        is_settled = time.time() - max(changed) > _SETTLED_SECONDS
        return tuple(changed) if is_settled else (*changed, time.monotonic())


def _changed(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except OSError:
        return 0.0
