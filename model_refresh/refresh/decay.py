"""What labels have shown of the incumbent that a challenger was compared with.

Beside an incumbent that has decayed a trial batch is held to fewer limits. It counts for as long as
the newest grades show that, or worse.
"""

import datetime as dt
from typing import get_args

from model_refresh.config.model import Model
from model_refresh.errors import NotStored
from model_refresh.records import Challenger, Comparison, Performance, Standing
from model_refresh.storage import ModelStore
from model_refresh.storage.folder import bytes_digest
from model_refresh.storage.store import stamp

_FROM_SOUND: tuple[Standing, ...] = get_args(Standing)


def newest_performance(store: ModelStore, as_of: dt.datetime | None = None) -> Performance | None:
    """How the batch of a frame did, by default of the newest that was graded; None for none."""
    graded = store.graded()
    if as_of is None and not graded:
        return None
    line = store.performances(as_of or graded[-1]).last()
    return None if line is None else line.record


def judged_comparison(store: ModelStore, challenger: Challenger) -> Comparison:
    """The comparison that let a challenger pass; raises NotStored."""
    verdict, found = store.verdicts(challenger.as_of).holding(challenger.verdict), None
    if verdict is not None:
        found = store.comparisons(challenger.as_of).holding(verdict.record.comparison)
    if found is None:
        raise NotStored(
            f"{store.name}, refresh of {stamp(challenger.as_of)}: the comparison that let the "
            "challenger pass is not stored; run comparison with its check promotion_gate"
        )
    return found.record


def decay_of_incumbent(store: ModelStore, comparison: Comparison) -> Performance | None:
    """The newest grades, where they are the incumbent's and show that it has decayed."""
    found, newest = comparison.incumbent, newest_performance(store)
    if found is None or newest is None or newest.champion != found.version:
        return None
    return newest if newest.has_decayed else None


def standing_of(decay: Performance | None) -> Standing:
    """What the newest grades show of an incumbent; without any there is no fault."""
    return "sound" if decay is None else decay.standing


def counting_limits(model: Model, standing: Standing) -> frozenset[str]:
    """Those under which a pass counts: of this standing, and of each better one, as digests."""
    known = _FROM_SOUND[: _FROM_SOUND.index(standing) + 1]
    return frozenset(trial_limits(model, each) for each in known)


def trial_limits(model: Model, standing: Standing) -> str:
    """The digest of what a trial batch beside such an incumbent is held to, in hex."""
    declared = model.shift_digest
    return declared if standing == "sound" else bytes_digest(f"{declared} {standing}".encode())
