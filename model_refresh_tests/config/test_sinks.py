"""A declared sink: what is refused before anything runs, and what is never shown."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from model_refresh.config.demands import missing_libraries
from model_refresh.config.fleet import load_fleet
from model_refresh.config.show import resolved
from model_refresh.errors import ConfigError
from model_refresh.serving.batch.delivery import sink_digest
from model_refresh_tests.lab import Lab, make_lab

SECRET = "postgresql://ann:s3cr3t@db.example/crm"
POSTGRESQL = {"sink": "postgresql", "url": "${URL}", "table": "crm.scores"}


def declared(folder: Path, sink: Mapping[str, object], **more: object) -> Lab:
    lab = make_lab(folder)
    try:
        return lab.again({"scores.sink": dict(sink), **more})
    except ConfigError:
        return lab


def problems_of(lab: Lab, environment: Mapping[str, str]) -> str:
    with pytest.raises(ConfigError) as caught:
        load_fleet(lab.fleet, environment=environment)
    return str(caught.value)


def test_a_url_from_the_environment_is_shown_as_it_is_written(tmp_path: Path) -> None:
    lab = declared(tmp_path, POSTGRESQL)
    (model,) = load_fleet(lab.fleet, environment={"URL": SECRET})
    assert model.spec.scores.sink is not None
    shown = {each.path: each.value for each in resolved(model)}
    assert shown["scores.sink.url"] == "${URL}"
    assert "s3cr3t" not in repr(model) + repr(model.spec.scores.sink) + str(shown)
    (moved,) = load_fleet(lab.fleet, environment={"URL": SECRET.replace("s3cr3t", "other")})
    assert sink_digest(moved) == sink_digest(model)


@pytest.mark.parametrize(
    "value", ["mysql://ann:s3cr3t@db/crm", "s3cr3t", "", "x" * 5000 + "s3cr3t"]
)
def test_a_url_that_is_none_is_refused_without_being_shown(tmp_path: Path, value: str) -> None:
    told = problems_of(declared(tmp_path, POSTGRESQL), {"URL": value})
    assert "scores.sink.url: the url must begin with postgresql://" in told
    assert "s3cr3t" not in told


@pytest.mark.parametrize(
    "url", [SECRET, "postgresql://db/crm?user=ann&password=s3cr3t", "postgres://a:s3cr3t@h"]
)
def test_a_password_in_the_file_is_refused(tmp_path: Path, url: str) -> None:
    told = problems_of(declared(tmp_path, {**POSTGRESQL, "url": url}), {})
    assert "scores.sink.url holds a password" in told
    assert "s3cr3t" not in told


@pytest.mark.parametrize(
    "url",
    ["postgresql://ann@db/crm", "postgresql://ann:${PW}@db/crm", "postgresql:///crm?host=/run"],
)
def test_a_url_without_a_password_may_stand_in_the_file(tmp_path: Path, url: str) -> None:
    lab = declared(tmp_path, {**POSTGRESQL, "url": url})
    assert load_fleet(lab.fleet, environment={"PW": "s3cr3t"})


@pytest.mark.parametrize(
    ("sink", "key", "says"),
    [
        ({"sink": "parquet", "path": "out"}, "Entry", "the column 'Entry' beside 'entry'"),
        ({"sink": "duckdb", "database": "a", "table": "t"}, "score", "'score' beside 'score'"),
        ({**POSTGRESQL, "url": "postgresql://h"}, "ü" * 32, "more than 63 bytes"),
        ({"sink": "postgres", "url": "x"}, "k", "accepted: duckdb, parquet, postgresql"),
        (
            {"path": "out"},
            "k",
            "scores.sink.sink is missing; accepted: duckdb, parquet, postgresql",
        ),
        ({"sink": "duckdb", "database": "a", "table": "T; DROP"}, "k", "scores.sink.table"),
    ],
)
def test_what_no_sink_can_be_is_told_with_its_place(
    tmp_path: Path, sink: Mapping[str, object], key: str, says: str
) -> None:
    told = problems_of(declared(tmp_path, sink, **{"frame.key": key}), {})
    assert says in told
    assert "model.yaml:" in told


def test_a_missing_library_is_told_with_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = declared(tmp_path, {**POSTGRESQL, "url": "postgresql://h"})
    assert missing_libraries(lab.model) == []
    monkeypatch.setattr("model_refresh.sinks.postgresql.find_spec", lambda name: None)
    (told,) = missing_libraries(lab.model)
    assert "model.yaml:" in told
    assert "scores.sink: psycopg is not installed: pip install 'model_refresh[postgresql]'" in told
