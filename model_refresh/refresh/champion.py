"""The champion step: the only place that writes promotions into the champion log.

Promotion judges again by the same pure function on the stored, digest-bound comparison, and asks
for a stored pass of every test: no button, selection or crash brings a version into production that
was refused. With `approval: manual` what passed waits for a person, who meets the same demands.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

from model_refresh.config.model import Model
from model_refresh.errors import Contaminated, PromotionRefused, VerdictVoid
from model_refresh.records import Challenger, Comparison, Dataset, Entry, Promotion, Verdict
from model_refresh.refresh.clearance import (
    Clearance,
    about_verdict,
    find_clearance,
    require_cleared,
)
from model_refresh.refresh.contamination import require_own_figures
from model_refresh.refresh.verdict import code_digest, judge
from model_refresh.storage import Line, ModelStore
from model_refresh.storage.folder import bytes_digest
from model_refresh.storage.store import stamp

AUTOMATIC = "model_refresh"


@dataclass(frozen=True)
class Approver:
    """The person who lets a passed challenger into production, and why."""

    who: str
    reason: str


def promote(
    model: Model,
    store: ModelStore,
    verdict: Verdict,
    challenger: Challenger,
    *,
    approver: Approver | None = None,
) -> Line[Promotion]:
    """Append the challenger to the champion log, or record that it waits, or the incumbent stays.

    With `approval: manual` and no approver, one that passed waits. A refresh of the past promotes
    nobody, and says so; one that has promoted already is done, and its record is returned.

    Raises PromotionRefused where the verdict is `reject` or not stored, or a declared check has no
    stored pass, and VerdictVoid where the champion changed since; the log is not touched then.
    """
    if (settled := settled_promotion(store, verdict.as_of)) is not None:
        return settled
    comparison = require_promotable(model, store, verdict)
    case = _Case(verdict, challenger, comparison, approver)
    passed = _bring_in(model, store, case) if verdict.decision == "promote" else _Ended("retain")
    end, clearance = passed.end, passed.clearance
    if end == "late" and (settled := settled_promotion(store, verdict.as_of)) is not None:
        return settled
    newest = store.champion.last()
    promotion = Promotion(
        as_of=verdict.as_of,
        decision="retain" if end == "late" else end,
        sentence=_sentence(model, store, case, end=end),
        verdict=verdict.digest(),
        entry=newest and newest.number,
        champion=newest and newest.record.version,
        trial_scores=clearance.trial_scores and clearance.trial_scores.digest(),
        conformance=clearance.conformance and clearance.conformance.digest(),
    )
    return store.promotions(verdict.as_of).record_once(promotion, key=_key(case, end))


def require_promotable(model: Model, store: ModelStore, verdict: Verdict) -> Comparison:
    """The comparison of a verdict that holds; raises PromotionRefused where it is `reject`."""
    comparison = _require_valid(model, store, verdict)
    if verdict.decision == "reject":
        raise PromotionRefused(f"{about_verdict(model, verdict)}: reject: {verdict.sentence}")
    return comparison


def require_current(model: Model, verdict: Verdict, newest: Line[Entry] | None) -> None:
    """Raises VerdictVoid where `newest` is not the entry that the verdict was given against."""
    if verdict.champion != (newest and newest.record.digest()):
        now = f"entry {newest.number} ({newest.record.version})" if newest else "none"
        raise VerdictVoid(
            f"{about_verdict(model, verdict)}: it was compared with another champion; the champion "
            f"is now {now}: run this refresh again, from comparison to champion"
        )


def require_never_rolled_back(
    model: Model, verdict: Verdict, version: str | None, *, entries: Sequence[Entry]
) -> None:
    """A version that was rolled back once returns only by an override."""
    if (gone := rolled_back(entries, version)) is not None:
        raise PromotionRefused(
            f"{about_verdict(model, verdict)}: version {version} was rolled back "
            f"({gone.reason}); model-refresh promote {model.name} {version} --force "
            "--reason ... brings it back"
        )


def settled_promotion(store: ModelStore, as_of: dt.datetime) -> Line[Promotion] | None:
    """How the refresh at as_of ended, if it promoted: nothing more can come of it.

    Whatever became of that entry later: a version that was rolled back isn't judged again.
    """
    entries = [line.record for line in store.champion.lines()]
    if not any(entry.kind == "promotion" and entry.as_of == as_of for entry in entries):
        return None
    lines = reversed(store.promotions(as_of).lines())
    return next((line for line in lines if line.record.decision == "promote"), None)


def rolled_back(entries: Sequence[Entry], version: str | None) -> Entry | None:
    """The rollback that took this version out of production, unless an override brought it back."""
    found = None
    for before, after in pairwise(entries):
        if after.kind == "rollback" and before.version == version:
            found = after
        elif after.kind == "override" and after.version == version:
            found = None
    return found


def promoted_by(store: ModelStore, verdict: Verdict) -> Entry | None:
    """The entry that this verdict brought about, if it did."""
    digest = verdict.digest()
    lines = store.champion.lines()
    return next((line.record for line in lines if line.record.verdict == digest), None)


@dataclass(frozen=True)
class _Case:
    """All that is brought forward for one promotion."""

    verdict: Verdict
    challenger: Challenger
    comparison: Comparison
    approver: Approver | None


_End = Literal["promote", "wait", "retain", "late"]
"""How it ended; `late` is a refresh of the past, which retains."""


@dataclass(frozen=True)
class _Ended:
    """How it ended, and by which tests the challenger was let in or waits."""

    end: _End
    clearance: Clearance = field(default_factory=Clearance)


def _bring_in(model: Model, store: ModelStore, case: _Case) -> _Ended:
    """Create the next entry; delivered twice, there is one.

    An entry that is there already, of a run that was killed before it recorded its promotion, is
    told with the newest tests.
    """
    verdict, challenger = case.verdict, case.challenger
    clearance: Clearance | None = None
    while promoted_by(store, verdict) is None:
        lines = store.champion.lines()
        if any(_forestalls(line.record, verdict) for line in lines):
            return _Ended("late")
        newest = lines[-1] if lines else None
        require_current(model, verdict, newest)
        clearance = require_cleared(
            model, store, verdict, challenger=challenger, comparison=case.comparison
        )
        entries = [line.record for line in lines]
        require_never_rolled_back(model, verdict, challenger.version, entries=entries)
        if model.spec.approval == "manual" and case.approver is None:
            return _Ended("wait", clearance)
        entry = _entry(case, newest)
        store.champion.append(entry, number=entry.number)
    return _Ended("promote", clearance or find_clearance(model, store, challenger))


def _entry(case: _Case, newest: Line[Entry] | None) -> Entry:
    verdict, challenger, by = case.verdict, case.challenger, case.approver
    return Entry(
        number=newest.number + 1 if newest else 1,
        prev=newest and newest.record.digest(),
        kind="promotion",
        as_of=verdict.as_of,
        version=challenger.version or "",
        artifact=challenger.artifact or "",
        trial=challenger.trial,
        verdict=verdict.digest(),
        challenger=challenger.digest(),
        who=by.who if by else AUTOMATIC,
        reason=f"{verdict.sentence}; approved: {by.reason}" if by else verdict.sentence,
    )


def _forestalls(entry: Entry, verdict: Verdict) -> bool:
    """A later entry, or a promotion of the same as_of: this refresh is one of the past."""
    is_same = entry.kind == "promotion" and entry.as_of == verdict.as_of
    return is_same or entry.as_of > verdict.as_of


def _sentence(model: Model, store: ModelStore, case: _Case, *, end: _End) -> str:
    told = case.verdict.sentence
    if end == "late":
        return f"a later entry is in the champion log already; {told}"
    if end == "wait":
        ask = f"model-refresh promote {model.name} {case.challenger.version} --reason ..."
        return f"passed, and waits for approval: {ask} ({told})"
    entry = promoted_by(store, case.verdict)
    return entry.reason if entry is not None else told


def _key(case: _Case, end: _End) -> str:
    """The same for the same end of the same case: repeated, it is recorded once."""
    names = [case.verdict.digest(), case.challenger.digest(), *(["wait"] if end == "wait" else [])]
    return bytes_digest(" ".join(names).encode())


def _require_valid(model: Model, store: ModelStore, verdict: Verdict) -> Comparison:
    """The comparison of a verdict that still holds; raises PromotionRefused where it doesn't."""
    about = about_verdict(model, verdict)
    again = f"run model-refresh refresh {model.name} --as-of {stamp(verdict.as_of)}"
    if store.verdicts(verdict.as_of).holding(verdict.digest()) is None:
        raise PromotionRefused(f"{about}: no such verdict is stored; run promotion_gate first")
    line = store.comparisons(verdict.as_of).holding(verdict.comparison)
    if line is None:
        raise PromotionRefused(f"{about}: the comparison that it judged is not stored")
    if verdict.policy != model.policy_digest():
        raise PromotionRefused(f"{about}: gates or comparison were declared anew since: {again}")
    if verdict.code != code_digest():
        raise PromotionRefused(f"{about}: model_refresh itself changed since: {again}")
    dataset = _require_dataset(store, verdict, line.record, about=about)
    if dataset.definition != model.definition.digest():
        raise PromotionRefused(f"{about}: the SQL or the label was declared anew since: {again}")
    if judge(model, line.record).digest() != verdict.digest():
        raise PromotionRefused(f"{about}: judging the stored comparison again says otherwise")
    return line.record


def _require_dataset(
    store: ModelStore, verdict: Verdict, comparison: Comparison, *, about: str
) -> Dataset:
    """The dataset that was judged on, where the comparison's figures are of its holdout."""
    if store.datasets(verdict.as_of).holding(verdict.dataset) is None:
        raise PromotionRefused(f"{about}: the dataset that it was judged on is not stored")
    try:
        return require_own_figures(store, comparison)
    except Contaminated as error:
        raise PromotionRefused(f"{about}: {error}") from error
