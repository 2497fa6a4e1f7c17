"""How assets present themselves."""

from pathlib import Path

import dagster as dg
import pytest

from model_refresh.config.model import Model
from model_refresh.orchestration.build import build_definitions
from model_refresh_tests.factories import make_model
from model_refresh_tests.orchestration.runs import keys_of


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return make_model(
        tmp_path_factory.mktemp("described"),
        description="Will a customer buy again?",
        owners=["team:crm", "ada@example.org"],
    )


@pytest.fixture(scope="module")
def specs(model: Model) -> dict[str, dg.AssetSpec]:
    found = build_definitions([model], home=model.folder).resolve_all_asset_specs()
    return {"/".join(spec.key.path[1:]): spec for spec in found}


def test_a_model_is_a_group_with_all_its_assets(specs: dict[str, dg.AssetSpec]) -> None:
    assert set(specs) == {
        "features",
        "dataset",
        "candidates/constant",
        "candidates/linear",
        "comparison",
        "challenger",
        "trial_scores",
        "champion",
        "scores",
        "performance",
    }
    assert {spec.group_name for spec in specs.values()} == {"repurchase"}
    assert {spec.tags["model_refresh/model"] for spec in specs.values()} == {"repurchase"}
    assert {tuple(spec.owners) for spec in specs.values()} == {("team:crm", "ada@example.org")}


def test_kinds_say_what_an_asset_is_made_of(specs: dict[str, dg.AssetSpec]) -> None:
    assert {step: spec.kinds for step, spec in specs.items()} == {
        "features": {"duckdb", "sql"},
        "dataset": {"parquet"},
        "candidates/constant": {"constant"},
        "candidates/linear": {"linear"},
        "comparison": {"json"},
        "challenger": {"json"},
        "trial_scores": {"parquet"},
        "champion": {"json"},
        "scores": {"parquet"},
        "performance": {"json"},
    }


def test_the_queries_stand_in_the_descriptions(
    specs: dict[str, dg.AssetSpec], model: Model
) -> None:
    for step, sql in (("features", model.features_sql), ("dataset", model.labels_sql)):
        assert f"```sql\n{sql}\n```" in (specs[step].description or "")
    for step, spec in specs.items():
        assert "Will a customer buy again?" in (spec.description or "")
        assert ("```" in (spec.description or "")) == (step in {"features", "dataset"})


def test_code_references_lead_to_the_file_that_declares_an_asset(
    specs: dict[str, dg.AssetSpec],
) -> None:
    files = {}
    for step, spec in specs.items():
        references = spec.metadata["dagster/code_references"]
        assert isinstance(references, dg.CodeReferencesMetadataValue)
        (reference,) = references.code_references
        assert isinstance(reference, dg.LocalFileCodeReference)
        path = Path(reference.file_path)
        assert path.is_absolute()
        assert path.is_file()
        files[step] = path.name
    others = dict.fromkeys(set(files) - {"features", "dataset"}, "model.yaml")
    assert files == {"features": "features.sql", "dataset": "labels.sql", **others}


def test_only_the_champion_has_no_partitions(specs: dict[str, dg.AssetSpec]) -> None:
    assert [step for step, spec in specs.items() if spec.partitions_def is None] == ["champion"]


def test_records_pass_through_the_store_so_assets_hang_together_by_deps_alone(
    specs: dict[str, dg.AssetSpec],
) -> None:
    deps = {
        step: {"/".join(dep.asset_key.path[1:]) for dep in spec.deps}
        for step, spec in specs.items()
    }
    assert deps == {
        "features": set(),
        "dataset": {"features"},
        "candidates/constant": {"dataset"},
        "candidates/linear": {"dataset"},
        "comparison": {"candidates/constant", "candidates/linear"},
        "challenger": {"comparison"},
        "trial_scores": {"challenger", "features"},
        "champion": {"challenger", "comparison", "trial_scores"},
        "scores": {"features", "champion"},
        "performance": {"scores"},
    }


def test_a_label_that_is_a_column_of_the_frame_has_no_query_to_show(tmp_path: Path) -> None:
    sql = "SELECT customer_id, count(*) > 1 AS repurchased FROM purchases GROUP BY customer_id"
    model = make_model(tmp_path, query=None, features_sql=sql)
    definitions = build_definitions([model], home=tmp_path)
    (dataset,) = keys_of(["dataset"], model.name)
    spec = definitions.resolve_asset_graph().get(dataset)
    assert "```" not in (spec.description or "")


def test_the_gates_are_listed_on_their_check(model: Model) -> None:
    graph = build_definitions([model], home=model.folder).resolve_asset_graph()
    (comparison,) = keys_of(["comparison"], model.name)
    check = graph.get(dg.AssetCheckKey(comparison, "promotion_gate"))
    assert check.blocking
    assert check.description == "- beats_constant\n- non_inferior"
