"""Routes of `alerts.yaml` that no model of the fleet can take: said by `check`, never an error."""

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from model_refresh.alerting import AlertsSpec, Match
from model_refresh.config.model import Model
from model_refresh.engines.statements import suggestion


def idle_routes(spec: AlertsSpec, models: Sequence[Model]) -> Iterator[str]:
    """A sentence for each name that matches nothing of the whole fleet, `models`.

    Also one for a route whose names and owners are there, but of no model together. Nothing is said
    of a fleet without models.
    """
    for route in spec.routes if models else ():
        told = [*_unknown(route.match, models)]
        if not told and not any(_takes(route.match, model) for model in models):
            told = [": no model that match.models names has one of match.owners"]
        for each in told:
            yield f"route {route.name!r} is told nothing{each}"


def _unknown(match: Match, models: Sequence[Model]) -> Iterator[str]:
    names = [model.name for model in models]
    owners = sorted({owner for model in models for owner in model.spec.owners})
    for pattern in match.models:
        if not any(fnmatchcase(name, pattern) for name in names):
            meant = suggestion(pattern, names)
            yield f" of match.models {pattern!r}: no model of the fleet is called so{meant}"
    for owner in match.owners:
        if owner not in owners:
            meant = suggestion(owner, owners)
            yield f" of match.owners {owner!r}: no model of the fleet has that owner{meant}"


def _takes(match: Match, model: Model) -> bool:
    named = not match.models or any(fnmatchcase(model.name, each) for each in match.models)
    return named and (not match.owners or not set(match.owners).isdisjoint(model.spec.owners))
