"""`approval: manual`: what passed waits for a person, who can do no more than the refresh could."""

import multiprocessing
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from model_refresh.config.fleet import load_fleet
from model_refresh.errors import ModelRefreshError, PromotionRefused, VerdictVoid
from model_refresh.records import Entry
from model_refresh.refresh.approval import approve, waiting
from model_refresh.refresh.override import override, roll_back
from model_refresh.storage import Store
from model_refresh.storage.verify import verify
from model_refresh_tests.conftest import FIRST, SECOND
from model_refresh_tests.crash import crash_points
from model_refresh_tests.lab import MANUAL, NAME, Lab, waits

WIDE = {**MANUAL, "gates": [{"gate": "beats_constant"}]}
IMPOSSIBLE = {"gate": "absolute", "metric": "roc_auc", "at_least": 0.999}


def champions(lab: Lab) -> list[str]:
    return [line.record.version for line in lab.store.champion.lines()]


def problems(lab: Lab) -> list[str]:
    return list(verify(Store(lab.home), [NAME]))


def approved(lab: Lab, version: str, reason: str = "looked at it") -> Entry:
    return approve(lab.model, lab.store, version, who="ann", reason=reason)


def test_what_passed_waits_and_nothing_is_in_the_log(manual: Lab) -> None:
    promotion = manual.store.promotions(manual.day(SECOND)).lines()[-1].record
    assert (promotion.decision, promotion.entry, promotion.champion) == (
        "wait",
        1,
        champions(manual)[0],
    )
    told = f"passed, and waits for approval: model-refresh promote visits {waits(manual)} --reason"
    assert promotion.sentence.startswith(told)
    assert len(champions(manual)) == 1
    assert problems(manual) == []


def test_a_refresh_that_waits_run_again_waits_with_the_same_record(manual: Lab) -> None:
    before = manual.store.promotions(manual.day(SECOND)).lines()
    assert manual.refresh(SECOND) == before[-1].record
    assert manual.store.promotions(manual.day(SECOND)).lines() == before


def test_an_approval_is_a_promotion_that_names_the_person_and_both_reasons(manual: Lab) -> None:
    version = waits(manual)
    entry = approved(manual, version)
    verdict = manual.store.verdicts(manual.day(SECOND)).lines()[-1].record
    assert (entry.number, entry.kind, entry.version) == (2, "promotion", version)
    assert (entry.who, entry.reason) == ("ann", f"{verdict.sentence}; approved: looked at it")
    assert (entry.as_of, entry.verdict) == (manual.day(SECOND), verdict.digest())
    promotion = manual.refresh(SECOND)
    assert (promotion.decision, promotion.entry, promotion.sentence) == ("promote", 2, entry.reason)
    assert waiting(manual.store) is None
    assert problems(manual) == []


def test_an_approval_delivered_twice_is_one_entry_and_the_first_person_stays(manual: Lab) -> None:
    version = waits(manual)
    first = approved(manual, version)
    again = approve(manual.model, manual.store, version, who="bob", reason="me too")
    assert again == first
    assert len(champions(manual)) == 2
    assert len(manual.store.promotions(manual.day(SECOND)).lines()) == 2


def _approve_in_a_process(fleet: Path, home: Path, version: str, who: str) -> None:
    (model,) = load_fleet(fleet, environment={})
    approve(model, Store(home).model(NAME), version, who=who, reason="looked at it")


def test_four_people_who_approve_at_once_make_one_entry(manual: Lab) -> None:
    context = multiprocessing.get_context("spawn")
    places = (manual.fleet, manual.home, waits(manual))
    people = [
        context.Process(target=_approve_in_a_process, args=(*places, f"p{i}")) for i in range(4)
    ]
    for person in people:
        person.start()
    for person in people:
        person.join()
    assert [person.exitcode for person in people] == [0] * 4
    assert len(champions(manual)) == 2
    assert problems(manual) == []


def test_an_approval_after_another_champion_came_is_void(manual: Lab) -> None:
    version, trial = waits(manual), manual.store.champion.line(1).record.trial
    override(manual.store, str(trial), as_of=manual.day(FIRST), who="bob", reason="meanwhile")
    assert waiting(manual.store) is None
    with pytest.raises(VerdictVoid, match="compared with another champion"):
        approved(manual, version)
    assert len(champions(manual)) == 2


def test_an_approval_after_a_later_champion_came_is_void_too(manual: Lab) -> None:
    version, trial = waits(manual), manual.store.champion.line(1).record.trial
    override(manual.store, str(trial), as_of=manual.day(SECOND + 1), who="bob", reason="meanwhile")
    before = manual.store.promotions(manual.day(SECOND)).lines()
    with pytest.raises(VerdictVoid, match="compared with another champion"):
        approved(manual, version)
    assert manual.store.promotions(manual.day(SECOND)).lines() == before
    assert manual.refresh(SECOND).decision == "retain", "run again, it is one of the past"


def test_a_newer_refresh_that_passes_takes_the_place_of_what_waits(manual: Lab) -> None:
    older = waits(manual)
    wide = manual.again(WIDE)
    assert wide.refresh(SECOND + 1).decision == "wait"
    newer = waits(wide)
    assert newer != older
    with pytest.raises(PromotionRefused, match=f"superseded: {newer} of 2024-01-27 waits"):
        approved(wide, older)
    entry = approved(wide, newer)
    assert (entry.version, entry.as_of) == (newer, wide.day(SECOND + 1))
    with pytest.raises(VerdictVoid):
        approved(wide, older)
    assert champions(wide)[1:] == [newer]


def test_a_newer_refresh_that_was_promoted_takes_the_place_of_what_waits(manual: Lab) -> None:
    older = waits(manual)
    automatic = manual.again({**WIDE, "approval": "automatic"})
    assert automatic.refresh(SECOND + 1).decision == "promote"
    again = manual.again(MANUAL)
    assert waiting(again.store) is None
    with pytest.raises(VerdictVoid, match="compared with another champion; the champion is now"):
        approved(again, older)
    assert len(champions(again)) == 2


def test_a_newer_refresh_that_retains_leaves_what_waits(manual: Lab) -> None:
    older = waits(manual)
    strict = manual.again({**MANUAL, "gates": [IMPOSSIBLE]})
    assert strict.refresh(SECOND + 1).decision == "retain"
    again = manual.again(MANUAL)
    assert waits(again) == older
    entry = approved(again, older)
    assert (entry.version, entry.as_of) == (older, manual.day(SECOND))


def test_an_approval_under_another_policy_is_refused(manual: Lab) -> None:
    version = waits(manual)
    strict = manual.again({**MANUAL, "gates": [{"gate": "beats_constant"}]})
    with pytest.raises(PromotionRefused, match="declared anew"):
        approved(strict, version)
    assert len(champions(manual)) == 1


def test_a_damaged_version_is_not_approved(manual: Lab) -> None:
    version = waits(manual)
    path = manual.store.versions_folder / version / "model.json"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ModelRefreshError, match=r"model\.json"):
        approved(manual, version)
    assert len(champions(manual)) == 1


@pytest.mark.parametrize("version", ["0123456789abcdef", "nonsense", ""])
def test_what_is_no_challenger_is_not_approved(manual: Lab, version: str) -> None:
    told = f"{version} is no challenger that passed.*{waits(manual)} of 2024-01-26 waits"
    with pytest.raises(PromotionRefused, match=told):
        approved(manual, version)


def test_a_trial_twin_is_not_approved(manual: Lab) -> None:
    trial = manual.store.comparisons(manual.day(SECOND)).lines()[-1].record.trial
    with pytest.raises(PromotionRefused, match="no challenger that passed"):
        approved(manual, str(trial))


def test_an_approval_says_why(manual: Lab) -> None:
    with pytest.raises(PromotionRefused, match="needs a reason"):
        approved(manual, waits(manual), reason=" \n")
    assert len(champions(manual)) == 1


def test_a_version_that_was_rolled_back_is_not_approved_again(manual: Lab) -> None:
    version = waits(manual)
    approved(manual, version)
    roll_back(manual.store, to=None, who="bob", reason="complaints")
    with pytest.raises(PromotionRefused, match=r"was rolled back \(complaints\).*--force"):
        approved(manual, version)
    assert len(champions(manual)) == 3


def test_where_models_promote_by_themselves_there_is_nothing_to_approve(manual: Lab) -> None:
    version = waits(manual)
    automatic = manual.again({})
    with pytest.raises(PromotionRefused, match=r"promotes by itself .* its refresh of 2024-01-26"):
        approved(automatic, version)
    assert automatic.refresh(SECOND).decision == "promote"
    with pytest.raises(PromotionRefused, match=f"it did so with {version}, entry 2"):
        approved(automatic, version)
    assert champions(automatic)[1:] == [version]


def test_a_refresh_stopped_before_its_last_step_can_be_approved_with_the_same_checks(
    manual: Lab,
) -> None:
    version = waits(manual)
    shutil.rmtree(manual.store.promotions(manual.day(SECOND)).folder)
    assert waiting(manual.store) is None
    assert approved(manual, version).number == 2


def test_a_kill_at_any_call_inside_an_approval_leaves_the_old_or_the_new_champion(
    manual: Lab,
) -> None:
    version, old = waits(manual), champions(manual)
    kept = manual.home.with_name("kept")
    shutil.copytree(manual.home, kept)

    def prepare() -> None:
        shutil.rmtree(manual.home)
        shutil.copytree(kept, manual.home)

    do: Callable[[], object] = partial(
        approve, manual.model, manual.store, version, who="ann", reason="looked at it"
    )
    seen = set()
    for _ in crash_points(do, prepare, every=3):
        assert champions(manual) in (old, [*old, version])
        seen.add(len(champions(manual)))
        assert problems(manual) == []
        ended = manual.refresh(SECOND)
        assert ended.decision == ("promote" if len(champions(manual)) == 2 else "wait")
        approved(manual, version)
        assert champions(manual) == [*old, version]
        assert manual.refresh(SECOND).decision == "promote"
        assert problems(manual) == []
    assert seen == {1, 2}, "the kills must fall on both sides of the approval"
