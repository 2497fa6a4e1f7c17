"""for_each: one folder declares many models, each with values bound to its queries' parameters."""

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from model_refresh.config.fleet import load_fleet, read_fleet
from model_refresh.config.model import Model
from model_refresh.config.queries import query_problems
from model_refresh.config.source import watermark
from model_refresh.errors import ConfigError
from model_refresh.records import FrameQuery, LabelQuery
from model_refresh.refresh.frame import frame_query
from model_refresh_tests.config.test_fleet import GOOD, declare
from model_refresh_tests.factories import START

TWO = "for_each: {de: {country: DE, tenant: 7}, fr: {country: FR, tenant: 8}}\n"
FEATURES = "SELECT id, $country AS c FROM t WHERE tenant = $tenant AND $as_of IS NOT NULL"


def say(home: Path, more: str) -> None:
    """Add to a folder's declaration."""
    (home / "model.yaml").write_text((home / "model.yaml").read_text() + more)


def folder(fleet: Path, for_each: str = TWO, *, name: str = "churn") -> Path:
    home = declare(fleet, name, GOOD.replace("{name}", name))
    say(home, for_each)
    (home / "features.sql").write_text(FEATURES)
    return home


def models_of(fleet: Path) -> dict[str, Model]:
    return {model.name: model for model in load_fleet(fleet, environment={})}


def problems_of(fleet: Path, for_each: str) -> list[str]:
    folder(fleet, for_each)
    return [
        p.replace(f"{fleet}/churn/model.yaml:", "") for p in read_fleet(fleet, environment={})[1]
    ]


def test_each_suffix_is_a_model_of_its_own(tmp_path: Path) -> None:
    folder(tmp_path)
    declare(tmp_path, "plain")
    models = models_of(tmp_path)
    assert list(models) == ["churn_de", "churn_fr", "plain"]
    assert models["churn_de"].values == {"country": "DE", "tenant": 7}
    assert models["plain"].values == {}
    assert models["churn_de"].folder == models["churn_fr"].folder


@pytest.mark.parametrize(
    ("values", "suffixes"),
    [("[DE, fr]", ["churn_de", "churn_fr"]), ("[7, 12]", ["churn_12", "churn_7"])],
)
def test_one_parameter_has_a_short_form(tmp_path: Path, values: str, suffixes: list[str]) -> None:
    folder(tmp_path, f"for_each: {{country: {values}}}\n")
    models = models_of(tmp_path)
    assert list(models) == suffixes
    assert [m.values["country"] for m in models.values()] in (["DE", "fr"], [12, 7])


def test_a_model_is_named_for_its_query_and_its_own_values_alone(tmp_path: Path) -> None:
    home = folder(tmp_path)
    (home / "labels.sql").write_text(
        "SELECT id, y FROM t WHERE tenant = $TENANT AND $as_of < $until"
    )
    de, fr = models_of(tmp_path).values()
    assert de.definition.frame.values == {"country": "DE", "tenant": 7}
    assert de.definition.label.values == {"tenant": 7}
    assert de.definition.frame.digest() != fr.definition.frame.digest()
    assert de.definition.question() != fr.definition.question()


def test_values_that_no_query_names_change_no_digest(tmp_path: Path) -> None:
    for number, text in enumerate(["{de: {country: DE}}", "{de: {country: DE, new: 1}}"]):
        home = folder(tmp_path / str(number), f"for_each: {text}\n")
        (home / "features.sql").write_text("SELECT id, $country AS c FROM t")
    before, after = (models_of(tmp_path / each)["churn_de"].definition for each in "01")
    assert before.digest() == after.digest()


def test_a_query_without_values_has_the_digest_that_it_always_had() -> None:
    frame = FrameQuery(sql="SELECT 1", key=("id",), rows="snapshot", every="7d")
    assert "values" not in frame.canonical()
    bound = FrameQuery(sql="SELECT 1", key=("id",), rows="snapshot", every="7d", values={"a": True})
    assert FrameQuery.parse(bound.canonical()) == bound
    one = bound.model_copy(update={"values": {"a": 1}})
    assert one.digest() != bound.digest() != frame.digest()


def test_a_version_asks_its_own_values_again(tmp_path: Path) -> None:
    folder(tmp_path)
    kept = LabelQuery.parse(models_of(tmp_path)["churn_de"].definition.label.canonical())
    assert kept == models_of(tmp_path)["churn_de"].definition.label
    stored = FrameQuery.parse(models_of(tmp_path)["churn_de"].definition.frame.canonical())
    asked = frame_query(stored, START, "features.sql")
    assert {name: asked.parameters[name] for name in ("country", "tenant")} == {
        "country": "DE",
        "tenant": 7,
    }
    assert asked.parameters["as_of"] == START


@pytest.mark.parametrize(
    ("for_each", "says"),
    [
        ("x", "6:1 for_each is 'x'; accepted: suffix: {parameter: value}"),
        ("{}", "6:1 for_each is empty"),
        ("{country: [DE], tenant: [7]}", "6:1 for_each has a list and more beside it"),
        ("{country: []}", "6:21 for_each.country has no value"),
        ("{country: [DE, de]}", "6:26 for_each.country[1] is 'de': the suffix 'de' is taken"),
        ("{country: [Côte]}", "6:22 for_each.country[0] is 'Côte', which makes no name"),
        ("{share: [0.5]}", "6:20 for_each.share[0] is 0.5, which makes no name"),
        ("{country: [null]}", "6:22 for_each.country[0] is null; accepted: text, number, boolean"),
        ("{as_of: [1]}", "6:12 for_each.as_of: $as_of is an instant that every query is given"),
        ("{de: {until: 1}}", "6:17 for_each.de.until: $until is an instant"),
        ("{de: {Country: 1}}", "6:17 the parameter 'Country' can't be named in SQL"),
        ("{DE: {country: 1}}", "6:12 the suffix 'DE' makes no name"),
        ("{de: {country: [1]}}", "6:26 for_each.de.country is a list; accepted: text"),
        ("{de: {}}", "6:16 for_each.de is empty"),
        ("{de: 5}", "6:16 for_each.de is 5"),
        ("{de: {country: 1}, fr: {contry: 2}}", "for_each.fr lacks 'country', which others have (is 'contry' meant"),
        ("{de: {country: 1}, fr: {country: 1}}", "6:30 for_each.fr has the values of for_each.de"),
        ("{%s: {country: 1}}" % ("x" * 60), "characters long; accepted: 63"),
        ('{de: {country: "a\\0b"}}', "6:26 for_each.de.country has 3 characters or a NUL"),
    ],
)  # fmt: skip
def test_a_wrong_for_each_is_told_at_its_place(tmp_path: Path, for_each: str, says: str) -> None:
    problems = problems_of(tmp_path, f"for_each: {for_each}\n")
    assert any(says in problem for problem in problems), problems


def test_true_and_one_are_two_values(tmp_path: Path) -> None:
    assert problems_of(tmp_path, "for_each: {a: {country: true}, b: {country: 1}}\n") == []


def test_a_name_that_another_folder_has_is_refused(tmp_path: Path) -> None:
    folder(tmp_path)
    declare(tmp_path, "churn_de")
    _, (problem,) = read_fleet(tmp_path, environment={})
    assert "churn_de is declared in" in problem


def test_one_of_many_may_be_read_alone(tmp_path: Path) -> None:
    folder(tmp_path)
    declare(tmp_path, "churn_de_old", "nonsense")
    (model,) = load_fleet(tmp_path, environment={}, only="churn_fr")
    assert model.values["country"] == "FR"
    for wrong in ("churn_ffr", "chun_fr"):
        with pytest.raises(ConfigError, match=f"no model '{wrong}', did you mean 'churn_fr'") as no:
            load_fleet(tmp_path, environment={}, only=wrong)
        known = str(no.value).split("there are ")[1].split(", ")
        assert {"churn_fr", "churn_de"} <= set(known)
        assert "churn" not in known, "the folder's own name is no model's"
    with pytest.raises(ConfigError, match="'churn' declares churn_de, churn_fr by for_each: name"):
        load_fleet(tmp_path, environment={}, only="churn")


def test_of_many_names_the_first_are_told(tmp_path: Path) -> None:
    folder(tmp_path, f"for_each: {{country: {[f'C{n:03d}' for n in range(40)]}}}\n")
    (tmp_path / "churn" / "features.sql").write_text("SELECT id, $country AS c, $as_of AS d FROM t")
    with pytest.raises(ConfigError, match=r"churn_c000, .*, churn_c011 and 28 more by for_each"):
        load_fleet(tmp_path, environment={}, only="churn")
    with pytest.raises(ConfigError, match=r"did you mean .*churn_c011 and 28 more$"):
        load_fleet(tmp_path, environment={}, only="churn_c1")


@pytest.mark.parametrize(
    ("features", "says"),
    [
        (FEATURES.replace("$country", "$contry"), "$contry has no value here, did you mean 'country'?; accepted parameters: $as_of, $country, $next, $tenant"),
        (FEATURES.replace("$country", "$until"), "$until has no value here"),
        (FEATURES.replace("$tenant", "1"), "for_each: no query uses $tenant"),
    ],
)  # fmt: skip
def test_check_knows_which_parameters_have_a_value(
    tmp_path: Path, features: str, says: str
) -> None:
    home = folder(tmp_path)
    (home / "features.sql").write_text(features)
    problems = query_problems(models_of(tmp_path)["churn_de"])
    assert any(says in problem for problem in problems), problems


def test_sound_queries_have_no_problem(tmp_path: Path) -> None:
    folder(tmp_path)
    assert query_problems(models_of(tmp_path)["churn_de"]) == []


def with_source(fleet: Path, value: object) -> Model:
    """A model whose one value is this, and whose table has one row of it."""
    text = GOOD.replace("data/t.parquet", "t.parquet").replace(
        "duckdb,", "duckdb, ready: ready.sql,"
    )
    home = declare(fleet, "m", text)
    say(home, f"for_each: {json.dumps({'x': {'value': value}}, ensure_ascii=False)}\n")
    (home / "features.sql").write_text("SELECT 1 AS id, $value AS value")
    (home / "ready.sql").write_text("SELECT max(seen) FROM t WHERE value = $value")
    with duckdb.connect() as connection:
        rows = "SELECT $value AS value, TIMESTAMP '2026-01-01' AS seen"
        connection.execute(f"CREATE TABLE t AS {rows}", {"value": value})
        connection.execute(f"COPY t TO '{home / 't.parquet'}'")
    (model,) = load_fleet(fleet, environment={})
    return model


CORPUS = [
    "'; DROP TABLE t; --", "' OR '1'='1", "\" OR 1=1 --", "$as_of", "$value", "${HOME}", "%s", "\\'; --", "''",
    "); SELECT * FROM read_text('/etc/passwd'); --", "1; ATTACH 'x.duckdb'", "\u2019 OR 1=1", "\U0001f600",
    "a\nb", "\t", " ", "null", "true", "7", True, False, 0, -7, 2**59, 1.5, -0.25, 1e300,
]  # fmt: skip


@pytest.mark.parametrize("value", CORPUS, ids=repr)
def test_a_value_is_bound_and_never_read_as_sql(tmp_path: Path, value: Any) -> None:
    model = with_source(tmp_path, value)
    assert model.values == {"value": value}
    assert type(model.values["value"]) is type(value)
    with model.open_source() as engine:
        query = frame_query(model.definition.frame, START, "features.sql")
        (batch,) = engine.batches(query)
        assert batch.column(1)[0].as_py() == value
        assert watermark(model, engine) is not None
