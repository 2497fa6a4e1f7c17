"""What is said of queries before they run."""

from pathlib import Path

from model_refresh.config.queries import query_problems, query_warnings
from model_refresh_tests.factories import make_model


def test_queries_that_ignore_their_instants_are_warned_of(tmp_path: Path) -> None:
    plain = "SELECT customer_id, 1 AS one FROM purchases GROUP BY 1"
    labels = "SELECT customer_id, 1 AS repurchased FROM purchases GROUP BY 1"
    model = make_model(tmp_path, features_sql=plain, labels_sql=labels)
    assert query_problems(model) == []
    assert [each.split(":")[0] for each in query_warnings(model)] == [
        "features.sql doesn't name $as_of",
        "labels.sql names neither $as_of nor $until",
    ]


def test_a_query_that_is_not_one_select_is_a_problem_that_names_its_file(tmp_path: Path) -> None:
    model = make_model(tmp_path, features_sql="SELECT 1 AS customer_id; DROP TABLE purchases")
    (problem,) = query_problems(model)
    assert problem.startswith(str(tmp_path / "repurchase" / "features.sql"))
    assert "accepted is one SELECT" in problem


def test_queries_that_are_right_have_nothing_said_of_them(tmp_path: Path) -> None:
    model = make_model(tmp_path)
    assert (query_problems(model), list(query_warnings(model))) == ([], [])
