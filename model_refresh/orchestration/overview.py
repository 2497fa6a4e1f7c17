"""The fleet's page: the asset `fleet/overview`, and the sensor that keeps it fresh.

The sensor writes the page in its own tick and reports it as a materialization. A run each time
would wait behind refreshes for its turn, and load every model for a second of work.
"""

import datetime as dt
import hashlib
from collections import Counter
from collections.abc import Sequence

import dagster as dg
from pydantic import Field, ValidationError

from model_refresh.config.model import Model
from model_refresh.orchestration.resources import StoreResource, telling_failures
from model_refresh.orchestration.tags import FLEET
from model_refresh.orchestration.values import Metadata, number, table
from model_refresh.pipeline.overview import Overview, write_overview
from model_refresh.records import Digest, Instant, Record
from model_refresh.storage import Store
from model_refresh.storage.store import utc_now

OVERVIEW = "overview"
KEY = dg.AssetKey([FLEET, OVERVIEW])

_SECONDS = 300
_QUIET = dt.timedelta(hours=1)
"""How long nothing is reported where no model's state has changed: events are kept for ever."""
_MOST_SHOWN = 50


class Reported(Record):
    """What was reported last: the states of all models, by digest, and when."""

    states: Digest | None = None
    at: Instant | None = Field(None, description="None: nothing was reported yet")

    @classmethod
    def parse_cursor(cls, cursor: str | None) -> "Reported":
        """What `canonical` wrote; nothing where a cursor was never written, or not by us."""
        try:
            return cls() if cursor is None else cls.parse(cursor)
        except ValidationError:
            return cls()

    def is_news(self, found: Overview, now: dt.datetime) -> bool:
        """Whether a state has changed since, or it was long ago."""
        return self.states != states_digest(found) or self.at is None or now - self.at >= _QUIET


def overview_asset(models: Sequence[Model], problems: Sequence[str]) -> dg.AssetsDefinition:
    """The asset, which a person may materialize at any time."""

    @dg.asset(
        key=KEY,
        group_name=FLEET,
        kinds={"html"},
        description="One page of all models, what needs a person first: a file that needs no "
        "network. The sensor `overview` writes it anew every five minutes, without a run.",
    )
    def overview(store: StoreResource) -> dg.MaterializeResult[None]:
        with telling_failures():
            found = write_overview(models, problems, store=store.all(), now=utc_now())
        return dg.MaterializeResult(metadata=of_overview(found))

    return overview


def overview_sensor(
    models: Sequence[Model], problems: Sequence[str], store: Store
) -> dg.SensorDefinition:
    """Writes the page, and reports it where anything has changed, or an hour has passed."""

    @dg.sensor(
        name=OVERVIEW,
        asset_selection=[KEY],
        minimum_interval_seconds=_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Writes the fleet's page every five minutes, without a run.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        now, last = utc_now(), Reported.parse_cursor(context.cursor)
        found = write_overview(models, problems, store=store, now=now)
        told = dg.SkipReason(found.totals.sentence)
        if not last.is_news(found, now):
            return dg.SensorResult(skip_reason=told, cursor=context.cursor)
        event = dg.AssetMaterialization(asset_key=KEY, metadata=of_overview(found))
        cursor = Reported(states=states_digest(found), at=now).canonical()
        return dg.SensorResult(asset_events=[event], skip_reason=told, cursor=cursor)

    return sensor


def states_digest(found: Overview) -> str:
    """The digest of every model's states."""
    told = "\n".join(f"{row.name} {row.state} {row.also}" for row in found.rows)
    return hashlib.sha256(told.encode()).hexdigest()


def of_overview(found: Overview) -> Metadata:
    """Of the asset: figures that plot, the page's place, and who needs a person."""
    states = Counter(row.state for row in found.rows)
    return {
        "page": dg.MetadataValue.path(found.page),
        "models": number(found.totals.models),
        "need a person": number(found.totals.need_person),
        "fresh": number(found.totals.fresh),
        "CPU hours, last 7 days": number(found.totals.week_cpu_hours),
        "who needs a person": table(
            {
                "model": row.name,
                "state": row.state,
                "owners": ", ".join(row.owners),
                "sentence": row.sentence,
            }
            for row in found.asking[:_MOST_SHOWN]
        ),
        "states": table({"state": state, "models": count} for state, count in states.items()),
    }
