"""Routes that no model of the fleet can take."""

import pytest

from model_refresh.alerting import AlertsSpec
from model_refresh.config.model import Model
from model_refresh.config.routes import idle_routes
from model_refresh_tests.factories import make_model, make_purchases


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> list[Model]:
    """Two models of two teams."""
    folder, rows = tmp_path_factory.mktemp("fleet"), make_purchases(customers=2)
    owned = {"churn_de": ["team:crm"], "churn_fr": ["team:ops", "ann@example.com"]}
    return [
        make_model(folder, purchases=rows, name=name, owners=owners)
        for name, owners in owned.items()
    ]


def route(**match: object) -> AlertsSpec:
    return AlertsSpec.model_validate({"routes": [{"name": "r", "urls": "${U}", "match": match}]})


@pytest.mark.parametrize(
    ("match", "told"),
    [
        ({}, []),
        ({"models": ["churn_*"], "owners": ["team:crm", "team:ops"]}, []),
        ({"models": ["churn_d?", "*"]}, []),
        ({"models": ["churn_*", "chrn_de"]},
         [" of match.models 'chrn_de': no model of the fleet is called so, did you mean 'churn_de'?"]),
        ({"owners": ["nobody", "team:ops"]},
         [" of match.owners 'nobody': no model of the fleet has that owner"]),
        ({"models": ["churn_de"], "owners": ["team:ops"]},
         [": no model that match.models names has one of match.owners"]),
    ],
)  # fmt: skip
def test_a_route_is_idle_where_its_names_are_nobodys(
    fleet: list[Model], match: dict[str, object], told: list[str]
) -> None:
    said = list(idle_routes(route(**match), fleet))
    assert said == [f"route 'r' is told nothing{each}" for each in told]


def test_of_a_fleet_without_models_every_route_waits_for_them() -> None:
    assert list(idle_routes(route(models=["churn_*"]), [])) == []
