"""How much the holdout can tell: known from past comparisons, before anything is fitted."""

import math

from model_refresh.config.model import Model
from model_refresh.gates import NonInferior
from model_refresh.metrics import metric
from model_refresh.records import Comparison
from model_refresh.storage import ModelStore
from model_refresh.storage.store import stamp


def power_warning(model: Model, store: ModelStore) -> str | None:
    """A sentence where the last half-width exceeds half of the margin; None where it doesn't.

    The half-width is the distance from the estimated gain over the incumbent to its one-sided
    bound. Above half of the margin a challenger that is just as good is often retained.
    """
    gates = [gate for gate in model.spec.gates if isinstance(gate, NonInferior)]
    comparison = _last_duel(store)
    if not gates or comparison is None:
        return None
    gate = gates[0]
    name = gate.metric or model.primary_metric
    values = comparison.metrics.get(name)
    if values is None or values.gain_over_incumbent is None:
        return None
    half_width = values.gain_over_incumbent.estimate - values.gain_over_incumbent.lower
    margin = gate.margin.amount(values.constant)
    if not half_width > margin / 2:
        return None
    return (
        f"the comparison of {stamp(comparison.as_of)} told {metric(name).label} to within "
        f"{half_width:.2g} on {comparison.rows:,} rows, more than half of the margin of "
        f"{margin:.2g}: challengers that are just as good will often be retained; "
        "raise training.holdout or the margin"
    )


def _last_duel(store: ModelStore) -> Comparison | None:
    """The newest comparison with an incumbent, bounds and all."""
    for as_of in reversed(store.refreshed()):
        for line in reversed(store.comparisons(as_of).lines()):
            primary = line.record.metrics.get(line.record.primary)
            gain = None if primary is None else primary.gain_over_incumbent
            if gain is not None and math.isfinite(gain.lower):
                return line.record
    return None
