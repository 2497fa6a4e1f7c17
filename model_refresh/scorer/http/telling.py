"""What /health, /ready, /model and /openapi.json tell of what is being served."""

import msgspec
from msgspec import UNSET

from model_refresh.scorer.http.facts import Health, ModelFacts, Ready, ShadowFacts
from model_refresh.scorer.http.problems import Refused
from model_refresh.scorer.http.served import Serving


def health() -> bytes:
    """The process lives."""
    return msgspec.json.encode(Health())


def ready(serving: Serving) -> bytes:
    """Which version answers; raises Refused, 503, saying why none does, or not for certain."""
    served = serving.required()
    if serving.stale is not None:
        raise Refused(503, serving.stale)
    return msgspec.json.encode(
        Ready(
            version=served.version,
            golden_rows=served.golden_rows,
            furthest=served.furthest,
            next=serving.next or UNSET,
        )
    )


def model(serving: Serving) -> bytes:
    """Who answers, and what it takes; raises Refused, 503, where nobody does."""
    served = serving.required()
    formula, shadow = served.scorer.formula, serving.shadow
    return msgspec.json.encode(
        ModelFacts(
            model=formula.model,
            version=formula.version,
            digest=formula.artifact,
            since=None if served.since is None else served.since.isoformat(),
            task=formula.task,
            classes=formula.classes,
            inputs=formula.inputs,
            settings=served.settings,
            golden_rows=served.golden_rows,
            furthest=served.furthest,
            libraries=served.libraries,
            shadow=ShadowFacts(None if shadow is None else shadow.version, serving.shadow_problem),
            next=serving.next or UNSET,
        )
    )


def document(serving: Serving) -> bytes:
    """The OpenAPI document; raises Refused, 503, where nobody answers."""
    return serving.required().document
