"""`approval: manual`: what waits for a person, and that person's word.

An approval runs the very same promotion as a refresh does, with a name and a reason: it is no way
around a gate or a test.
"""

from dataclasses import dataclass

from model_refresh.config.model import Model
from model_refresh.errors import PromotionRefused
from model_refresh.records import Challenger, Entry, Promotion, Verdict
from model_refresh.refresh.champion import (
    Approver,
    promote,
    promoted_by,
    require_current,
    require_never_rolled_back,
)
from model_refresh.storage import ModelStore
from model_refresh.storage.store import stamp


@dataclass(frozen=True)
class Waiting:
    """A version that has passed everything and waits for a person."""

    version: str
    promotion: Promotion


def waiting(store: ModelStore) -> Waiting | None:
    """What waits for approval: of the newest refresh that does; None where nothing does.

    What was compared with a former champion doesn't wait any longer: it is to be judged again. A
    later refresh that retained takes nobody's place: what passed before it is still the best known.
    """
    newest = store.champion.last()
    current = newest and newest.record.digest()
    for as_of in store.backwards("refreshes"):
        line = store.promotions(as_of).last()
        if line is not None and line.record.decision == "promote":
            return None  # whatever is older was compared with a former champion
        if line is None or line.record.decision != "wait":
            continue
        verdict = store.verdicts(as_of).holding(line.record.verdict or "")
        if verdict is None or verdict.record.champion != current:
            return None
        for each in reversed(store.challengers(as_of).lines()):
            if each.record.verdict == line.record.verdict and each.record.version is not None:
                return Waiting(each.record.version, line.record)
    return None


def approve(model: Model, store: ModelStore, version: str, *, who: str, reason: str) -> Entry:
    """Promote the version whose refresh has passed; approved twice, there is one entry.

    Raises PromotionRefused where the model's approval is automatic, the version is no challenger
    that passed, a later refresh passed too and waits, or a check has no stored pass; VerdictVoid
    where the champion changed since, as by a later refresh that was promoted. The champion log is
    not touched then. A later refresh that retained takes nobody's place.
    """
    if not reason.strip():
        raise PromotionRefused(f"{model.name}: an approval needs a reason: say why, in a few words")
    found = _newest_passed(store, version)
    if model.spec.approval == "automatic":
        raise PromotionRefused(_of_itself(model, store, version, found and found[0]))
    if found is None:
        raise PromotionRefused(
            f"{model.name}: {version} is no challenger that passed the gates of its refresh; "
            f"{_what_waits(store)}; past its gates it goes with --force"
        )
    verdict, challenger = found
    entries = [line.record for line in store.champion.lines()]
    require_never_rolled_back(model, verdict, version, entries=entries)
    if (done := promoted_by(store, verdict)) is not None:
        return done
    require_current(model, verdict, store.champion.last())
    _require_newest(model, store, version, verdict)
    promotion = promote(model, store, verdict, challenger, approver=Approver(who, reason)).record
    entry = promoted_by(store, verdict)
    if entry is None:
        raise PromotionRefused(f"{model.name}: {promotion.sentence}")
    return entry


def _newest_passed(store: ModelStore, version: str) -> tuple[Verdict, Challenger] | None:
    """The newest refresh whose challenger is this version, with the verdict that let it pass."""
    for as_of in reversed(store.refreshed()):
        for line in reversed(store.challengers(as_of).lines()):
            if line.record.version != version:
                continue
            verdict = store.verdicts(as_of).holding(line.record.verdict)
            if verdict is not None and verdict.record.decision == "promote":
                return verdict.record, line.record
    return None


def _require_newest(model: Model, store: ModelStore, version: str, verdict: Verdict) -> None:
    """Nothing that waits is newer, be it of a later refresh or of the same, run again.

    A later refresh that was promoted has changed the champion, which `require_current` refuses.
    """
    newest = waiting(store)
    if newest is None or newest.version == version or newest.promotion.as_of < verdict.as_of:
        return
    raise PromotionRefused(
        f"{model.name}: {version} of {stamp(verdict.as_of)} was superseded: {_what_waits(store)}"
    )


def _of_itself(model: Model, store: ModelStore, version: str, verdict: Verdict | None) -> str:
    """Why an approval has no place where models promote by themselves."""
    about = f"{model.name} promotes by itself what passes its gates and tests (approval: automatic)"
    done = promoted_by(store, verdict) if verdict is not None else None
    if done is not None:
        return f"{about}: it did so with {version}, entry {done.number} of the champion log"
    again = f", in its refresh of {stamp(verdict.as_of)}" if verdict is not None else ""
    return f"{about}{again}; to put {version} in past them, add --force"


def _what_waits(store: ModelStore) -> str:
    found = waiting(store)
    if found is None:
        return "nothing waits for approval"
    return f"{found.version} of {stamp(found.promotion.as_of)} waits for approval"
