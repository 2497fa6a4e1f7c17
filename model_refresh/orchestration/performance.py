"""The asset `performance` of a model, its check `decay`, and what both tell.

The asset grades a published batch once its labels have matured, and answers decay as declared; the
sensor `grade` asks for it. It is no part of a refresh.
"""

import datetime as dt
from collections.abc import Callable

import dagster as dg

from model_refresh.config.model import Model
from model_refresh.errors import NotDue
from model_refresh.metrics.catalogue import in_order
from model_refresh.orchestration.declaring import asset, asset_check
from model_refresh.orchestration.describe import describe
from model_refresh.orchestration.names import DECAY, PERFORMANCE, SCORES, key
from model_refresh.orchestration.resources import StoreResource, telling_failures
from model_refresh.orchestration.values import Metadata, metrics, number, table
from model_refresh.pipeline.aftercare import grade_batch
from model_refresh.records import Graded, Interval, Performance
from model_refresh.refresh.decay import newest_performance
from model_refresh.storage.store import utc_now


def performance_asset(
    model: Model, *, clock: Callable[[], dt.datetime] = utc_now
) -> dg.AssetsDefinition:
    """Grades the batch of a frame; a batch that can't be graded yet is told, and is no failure."""

    @asset(**describe(model, PERFORMANCE), deps=[key(model, SCORES)], pool=model.spec.runs.pool)
    def performance(
        context: dg.AssetExecutionContext, store: StoreResource
    ) -> dg.MaterializeResult[None]:
        as_of = model.cadence.parse(context.partition_key)

        with telling_failures():
            try:
                line = grade_batch(
                    model,
                    store.of(model),
                    as_of,
                    now=clock(),
                    on_undone=lambda entry: context.log.warning(f"rolled back: {entry.reason}"),
                )
            except NotDue as early:
                return _told(str(early))
        if line is None:
            return _told(f"{model.name} has no batch of {model.cadence.key(as_of)} to grade")
        context.log.info(line.record.sentence)
        return dg.MaterializeResult(metadata=of_performance(line.record))

    return performance


def decay_check(model: Model) -> dg.AssetChecksDefinition:
    """Passes while the champion does as promised. ERROR where a person is asked, else WARN."""

    @asset_check(
        asset=key(model, PERFORMANCE),
        name=DECAY,
        blocking=False,
        description="The champion does as promised, and better than no model and the one before.",
    )
    def check(context: dg.AssetCheckExecutionContext, store: StoreResource) -> dg.AssetCheckResult:
        partition = context.partition_key if context.has_partition_key else None
        with telling_failures():
            as_of = model.cadence.parse(partition) if partition else None
            found = newest_performance(store.of(model), as_of)
        if found is None:
            told = "nothing is graded yet"
            return dg.AssetCheckResult(passed=True, description=told)
        asks_a_person = found.remedy == "alert"
        return dg.AssetCheckResult(
            passed=not found.has_decayed,
            severity=dg.AssetCheckSeverity.ERROR if asks_a_person else dg.AssetCheckSeverity.WARN,
            description=found.sentence,
            metadata=of_performance(found),
        )

    return check


def of_performance(found: Performance) -> Metadata:
    """Of the asset and its check: realised figures under the labels that comparisons have."""
    champion = found.of("champion")
    realised = {} if champion is None else champion.metrics
    promised = {f"promised {each.metric}": each.value for each in found.promised}
    estimated = {f"estimated {name}": value for name, value in found.estimated.items()}
    return {
        "sentence": dg.MetadataValue.text(found.sentence),
        "champion": dg.MetadataValue.text(found.champion),
        "answer": dg.MetadataValue.text(found.remedy or "none: no decay"),
        **metrics({name: realised[name] for name in in_order(realised, first=found.primary)}),
        **metrics(promised),
        **metrics(estimated),
        **_skill(found),
        "dagster/row_count": dg.MetadataValue.int(found.rows),
        "realised": table(_graded(each, found.primary) for each in found.graded),
        "promised": table(
            {
                "metric": each.metric,
                "promised": each.value,
                "realised": each.realised,
                "short by": each.shortfall and each.shortfall.estimate,
                "at least": each.shortfall and each.shortfall.lower,
            }
            for each in found.promised
        ),
        "checks": table(
            {"check": c.name, "outcome": c.outcome, "sentence": c.sentence} for c in found.checks
        ),
        "look": dg.MetadataValue.int(found.look),
        "notes": dg.MetadataValue.text("; ".join(found.notes) or "none"),
    }


def _skill(found: Performance) -> Metadata:
    if found.skill is None:
        return {}
    promised = found.skill.promised
    return {
        "skill": number(found.skill.realised.estimate),
        **({"promised skill": number(promised.estimate)} if promised is not None else {}),
    }


def _graded(graded: Graded, primary: str) -> dict[str, object]:
    own = graded.intervals.get(primary)
    gain: Interval | None = graded.gain_over_champion
    return {
        "who": graded.role,
        "version": graded.version,
        primary: graded.metrics.get(primary),
        "from": own and own.lower,
        "to": own and own.upper,
        "gain over champion": gain and gain.estimate,
        "at least": gain and gain.lower,
    }


def _told(sentence: str) -> dg.MaterializeResult[None]:
    return dg.MaterializeResult(metadata={"sentence": sentence})
