"""What a search may know of earlier refreshes, and how the budget is shared by what paid off."""

import datetime as dt
from collections.abc import Iterator

import pytest

from model_refresh.algorithms import Constant, LightGBM, Linear
from model_refresh.algorithms.version import Mixture, load_version, publish_version
from model_refresh.records import Candidate, Member, Parameters, Trial
from model_refresh.refresh.candidates import fit_candidate
from model_refresh.refresh.dataset import build_dataset
from model_refresh.refresh.experience import Experience, experience_of
from model_refresh.refresh.override import override
from model_refresh.refresh.resume import stored_dataset
from model_refresh_tests.conftest import FIRST, SECOND
from model_refresh_tests.lab import Lab
from model_refresh_tests.refresh.inside import fits_inside, stored

KNOWN: Parameters = {"alpha": 0.5, "l1_ratio": 0.1, "window": 3, "half_life_days": 0.0}


@pytest.fixture(autouse=True)
def _quick() -> Iterator[None]:
    with fits_inside():
        yield


def declared(lab: Lab, **changes: object) -> Lab:
    candidates = [{"algorithm": name} for name in ("constant", "linear", "lightgbm")]
    tuning = {"trials": 20, "seconds": 100, "widen_every": 3}
    return lab.again({"training.candidates": candidates, "training.tuning": tuning, **changes})


def experience(lab: Lab, algorithm: Constant | Linear | LightGBM = Linear()) -> Experience:  # noqa: B008  (frozen)
    dataset = stored_dataset(lab.model, lab.store, lab.day(SECOND))
    return experience_of(lab.model, lab.store, dataset, algorithm)


def plant(lab: Lab, day: int, name: str = "linear", **changes: object) -> Candidate:
    """A candidate of an earlier refresh, like the one that was fitted on the first day."""
    about = {"as_of": lab.day(day), "name": name, **changes}
    made = stored(lab, FIRST, "linear").model_copy(update=about)
    lab.store.candidates(lab.day(day), name).record_once(made, key=made.digest())
    return made


def learned_until(lab: Lab, instant: dt.datetime) -> str:
    """A version like the first day's that says it used a label known at this instant."""
    whole = load_version(lab.store, stored(lab, FIRST, "linear").version or "")
    lineage = whole.lineage.model_copy(update={"known_at": instant})
    planted = publish_version(lab.store, whole.recipe, lineage, predictor=whole.predictor)
    return planted.digest[:16]


def test_only_what_was_known_when_the_holdout_began_is_remembered(lab: Lab) -> None:
    lab = declared(lab)
    holdout = stored_dataset(lab.model, lab.store, lab.day(SECOND)).plan.holdout[0]
    legal, illegal = (
        learned_until(lab, holdout),
        learned_until(lab, holdout + dt.timedelta(hours=1)),
    )
    plant(lab, 7, kept=({"alpha": 0.07},), version=legal)
    plant(lab, 8, kept=({"alpha": 0.08},), version=illegal)
    plant(lab, 9, kept=({"alpha": 0.09},), version=None)
    found = [each.get("alpha") for each in experience(lab).remembered]
    assert 0.07 in found
    assert not {0.08, 0.09} & set(found)


def test_neither_this_refresh_nor_a_later_one_is_remembered(lab: Lab) -> None:
    lab = declared(lab)
    before = experience(lab).remembered
    plant(lab, SECOND, kept=({"alpha": 0.11},))
    plant(lab, SECOND + 1, kept=({"alpha": 0.12},))
    assert experience(lab).remembered == before


def test_a_lost_version_is_passed_over(lab: Lab) -> None:
    lab = declared(lab)
    plant(lab, 8, kept=({"alpha": 0.08},), version="0" * 16)
    assert {"alpha": 0.08} not in experience(lab).remembered


def test_the_incumbents_parameters_come_first_then_the_newest_refreshs_best(lab: Lab) -> None:
    lab = declared(lab)
    plant(lab, 8, kept=({"alpha": 0.08}, {"alpha": 0.9}))
    plant(lab, 9, kept=({"alpha": 0.09},))
    champion = load_version(lab.store, str(lab.store.champion.line(1).record.trial)).recipe
    assert champion.parameters == stored(lab, FIRST, "linear").kept[0]
    assert experience(lab).remembered == (champion.parameters, {"alpha": 0.09}, {"alpha": 0.08})


def test_of_few_trials_few_are_spent_on_what_is_remembered(lab: Lab) -> None:
    for day in range(3, 10):
        plant(lab, day, kept=({"alpha": day / 10},))
    few = declared(lab, **{"training.tuning": {"trials": 10, "seconds": 60}})
    known = experience(few)
    assert known.budget.trials == 5
    assert len(known.remembered) == 1


def test_members_of_an_ensemble_that_is_champion_count(lab: Lab) -> None:
    lab = declared(lab)
    whole = load_version(lab.store, str(lab.store.champion.line(1).record.trial))
    members = (
        Member(recipe=whole.recipe.model_copy(update={"parameters": KNOWN}), weight=0.5),
        Member(recipe=whole.recipe.model_copy(update={"algorithm": "lightgbm"}), weight=0.25),
        Member(
            recipe=whole.recipe.model_copy(
                update={"members": (Member(recipe=whole.recipe, weight=1.0),)}
            ),
            weight=0.25,
        ),
    )
    mixed = whole.recipe.model_copy(update={"algorithm": "ensemble", "members": members})
    mixture = Mixture(((whole, 1.0),))
    planted = publish_version(lab.store, mixed, whole.lineage, predictor=mixture)
    override(lab.store, planted.digest[:16], as_of=lab.day(FIRST), who="ann", reason="a mean")
    assert experience(lab).remembered[:2] == (KNOWN, whole.recipe.parameters)


def test_a_champion_that_knows_the_holdout_is_not_listened_to(lab: Lab) -> None:
    lab = declared(lab)
    version = load_version(lab.store, learned_until(lab, lab.day(SECOND)))
    told = version.recipe.model_copy(update={"parameters": KNOWN})
    planted = publish_version(lab.store, told, version.lineage, predictor=version.predictor)
    override(lab.store, planted.digest[:16], as_of=lab.day(FIRST), who="ann", reason="too new")
    assert KNOWN not in experience(lab).remembered


def test_without_experience_the_budget_is_shared_evenly(fresh: Lab) -> None:
    lab = declared(fresh)
    dataset = build_dataset(lab.model, lab.store, lab.day(FIRST)).record
    for algorithm in (Linear(), LightGBM()):
        budget = experience_of(lab.model, lab.store, dataset, algorithm).budget
        assert (budget.trials, budget.seconds) == (10, 50.0)
    alone = experience_of(lab.model, lab.store, dataset, Constant()).budget
    assert alone.trials == 1, "what has nothing to tune takes nothing"


@pytest.mark.parametrize(
    ("losses", "shares"),
    [
        ((0.5, 0.5), (0.5, 0.5)),
        ((0.5, 0.505), (0.05 + 0.9 * 0.7311, 0.05 + 0.9 * 0.2689)),
        ((0.5, 5.0), (0.95, 0.05)),
    ],
)
def test_the_budget_follows_what_paid_off_in_earlier_validations(
    lab: Lab, losses: tuple[float, float], shares: tuple[float, float]
) -> None:
    lab = declared(lab)
    for name, loss in zip(("linear", "lightgbm"), losses, strict=True):
        trials = (Trial(parameters={}, loss=9.0), Trial(parameters={}, loss=loss))
        plant(lab, 9, name, trials=trials)
    budgets = [experience(lab, each).budget for each in (Linear(), LightGBM())]
    for budget, share in zip(budgets, shares, strict=True):
        assert budget.seconds == pytest.approx(100 * share, rel=1e-3)
        assert budget.trials == max(1, round(20 * share))
    assert sum(each.seconds for each in budgets) == pytest.approx(100)


def test_merit_is_of_refreshes_in_which_all_took_part(lab: Lab) -> None:
    lab = declared(lab)
    plant(lab, 9, "linear", trials=(Trial(parameters={}, loss=0.1),))
    plant(lab, 8, "lightgbm", trials=(Trial(parameters={}, loss=9.9),))
    assert experience(lab, LightGBM()).budget.seconds == 50.0


def test_how_often_a_search_was_narrow_is_counted_from_the_newest(lab: Lab) -> None:
    lab = declared(lab)
    for day, scope in ((6, "narrow"), (7, "wide"), (8, "narrow"), (9, "narrow")):
        plant(lab, day, search=scope)
    plant(lab, FIRST, search="narrow")
    assert experience(lab).since_wide == 3


@pytest.mark.parametrize(
    ("earlier", "wide", "scope"),
    [
        (["cold"], False, "narrow"),
        (["cold", "narrow"], False, "narrow"),
        (["cold", "narrow", "narrow"], False, "wide"),
        (["narrow", "narrow", "wide"], False, "narrow"),
        (["cold"], True, "wide"),
    ],
)
def test_a_search_is_narrow_until_it_is_time_to_look_everywhere(
    lab: Lab, earlier: list[str], wide: bool, scope: str
) -> None:
    lab = declared(lab, **{"training.tuning": {"trials": 2, "seconds": 60, "widen_every": 3}})
    for day, before in enumerate(earlier, start=FIRST + 1 - len(earlier)):
        plant(lab, day, search=before)
    dataset = stored_dataset(lab.model, lab.store, lab.day(SECOND))
    line = fit_candidate(lab.model, lab.store, dataset, Linear(), wide=wide)
    assert line.record.search == scope


def test_the_first_search_is_cold(lab: Lab) -> None:
    assert stored(lab, FIRST, "linear").search == "cold"
