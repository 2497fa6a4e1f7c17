"""A refresh through a Dagster instance whose records are in a real PostgreSQL."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.scheduler.instigation import InstigatorType, TickData, TickStatus

from model_refresh.orchestration.retention import prune
from model_refresh.storage.store import utc_now
from model_refresh_tests.lab import Lab
from model_refresh_tests.orchestration.runs import AFTER, STEPS, entries, materialize
from model_refresh_tests.sinks.conftest import server
from model_refresh_tests.sinks.postgres import Server

__all__ = ["server"]  # the fixture of the sinks' tests

SHIPPED = Path(__file__).parents[2] / "deploy" / "dagster-postgresql.yaml"


@pytest.fixture
def instance(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dg.DagsterInstance]:
    """An instance as the shipped settings make it."""
    home = tmp_path / "dagster"
    home.mkdir()
    (home / "dagster.yaml").write_text(SHIPPED.read_text())
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    monkeypatch.setenv("DAGSTER_POSTGRES_URL", server.url().replace("://", "+psycopg2://"))
    with dg.DagsterInstance.from_config(str(home)) as made:
        yield made


def test_a_refresh_is_recorded_in_postgresql(
    lab: Lab, instance: dg.DagsterInstance, server: Server
) -> None:
    before = entries(lab)
    result = materialize(lab, [*STEPS, *AFTER], instance=instance)
    assert result.success
    assert entries(lab) == before + 1
    found = instance.get_run_by_id(result.run_id)
    assert found is not None
    assert found.status == dg.DagsterRunStatus.SUCCESS
    champion = instance.get_latest_materialization_event(dg.AssetKey([lab.model.name, "champion"]))
    assert champion is not None
    assert champion.run_id == result.run_id
    instance.create_tick(
        TickData("origin", "new_data", InstigatorType.SENSOR, TickStatus.SKIPPED, 1.0)
    )
    instance.upgrade()  # what `dagster instance migrate` does: nothing is lost by it
    with server.connect() as connection:
        (runs,) = connection.execute("SELECT count(*) FROM runs").fetchall()[0]
        (events,) = connection.execute("SELECT count(*) FROM event_logs").fetchall()[0]
        (ticks,) = connection.execute("SELECT count(*) FROM job_ticks").fetchall()[0]
    assert (runs, ticks) == (1, 1)
    assert events > 20


@dg.asset(key=["elsewhere", "scores"])
def scores() -> None:
    """Stands for any asset of a model."""


@dg.asset_check(asset=scores)
def looked_at() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True)


def test_old_runs_are_forgotten_in_postgresql(instance: dg.DagsterInstance, server: Server) -> None:
    def counts() -> dict[str, int]:
        with server.connect() as connection:
            return {
                table: connection.execute(
                    f"SELECT count(*) FROM {table} WHERE run_id IN (%s, %s)", runs
                ).fetchall()[0][0]
                for table in ("runs", "run_tags", "event_logs", "asset_check_executions")
            }

    page = dg.AssetKey(["elsewhere", "page"])
    for _ in range(2):
        instance.report_runless_asset_event(dg.AssetMaterialization(page))
    runs = tuple(
        dg.materialize([scores, looked_at], instance=instance, tags={"by": "test"}).run_id
        for _ in range(2)
    )
    before = counts()
    assert prune(instance, utc_now() + dt.timedelta(days=1)).runs >= 1
    assert counts() == {table: number // 2 for table, number in before.items()}
    newest = instance.get_latest_materialization_event(scores.key)
    assert newest is not None and newest.run_id == runs[1]
    assert len(instance.fetch_materializations(page, limit=9).records) == 1
