"""The choice among candidates: by validation, on the folds that both were judged on."""

import datetime as dt

import pytest

from model_refresh.records import Candidate
from model_refresh.refresh.comparison import choose
from model_refresh_tests.lab import Lab


def candidate(name: str, *losses: float, **changes: object) -> Candidate:
    """One with these losses, newest fold first."""
    return Candidate(
        as_of=dt.datetime(2024, 1, 26, tzinfo=dt.UTC), name=name, dataset="0" * 64, version="a" * 16,
        validation={"log_loss": sum(losses) / len(losses)},
        folds=tuple({"log_loss": loss} for loss in losses),
    ).model_copy(update=changes)  # fmt: skip


def chosen(lab: Lab, *candidates: Candidate) -> str | None:
    found = choose(lab.model, candidates)
    return None if found is None else found.name


def test_the_best_mean_over_the_folds_is_chosen(lab: Lab) -> None:
    assert chosen(lab, candidate("one", 0.3, 0.5), candidate("two", 0.4, 0.3)) == "two"


@pytest.mark.parametrize("loss", [0.29, 0.31])
def test_one_with_fewer_folds_meets_the_best_on_those_folds(lab: Lab, loss: float) -> None:
    whole, other = candidate("whole", 0.3, 0.8, 0.9), candidate("other", 0.9, 0.9, 0.9)
    few = candidate("few", loss)
    for order in ((whole, few, other), (few, other, whole)):
        assert chosen(lab, *order) == ("few" if loss < 0.3 else "whole")


def test_an_easy_newest_fold_is_no_merit(lab: Lab) -> None:
    assert chosen(lab, candidate("whole", 0.1, 0.9), candidate("few", 0.2)) == "whole"


def test_of_equals_the_one_with_more_folds_and_then_the_first_is_chosen(lab: Lab) -> None:
    assert chosen(lab, candidate("few", 0.3), candidate("whole", 0.3, 0.9)) == "whole"
    assert chosen(lab, candidate("one", 0.3), candidate("two", 0.3)) == "one"


def test_candidates_without_folds_are_judged_on_their_mean(lab: Lab) -> None:
    old = candidate("old", 0.3, folds=())
    assert chosen(lab, old, candidate("other", 0.4, folds=())) == "old"


def test_the_constant_and_what_was_not_fitted_are_never_chosen(lab: Lab) -> None:
    absent = candidate("absent", 0.1, version=None, dropped="not needed")
    nothing = candidate("nothing", float("nan"))
    assert chosen(lab, candidate("constant", 0.1), absent, nothing) is None
    assert chosen(lab, nothing, candidate("worst", 9.0)) == "worst"
