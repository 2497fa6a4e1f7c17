"""The champion log under every way in which a promotion can go wrong (promises P1 to P5)."""

import multiprocessing
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

import model_refresh
from model_refresh.config.fleet import load_fleet
from model_refresh.errors import (
    ModelRefreshError,
    PromotionRefused,
    StoreWriteError,
    VerdictVoid,
)
from model_refresh.records import Challenger, CheckResult, Verdict
from model_refresh.refresh.challenger import refit_challenger
from model_refresh.refresh.champion import promote
from model_refresh.refresh.override import override, roll_back
from model_refresh.refresh.resume import (
    resume_challenger,
    resume_comparison,
    resume_promotion,
    resume_verdict,
    stored_dataset,
)
from model_refresh.refresh.verdict import code_digest
from model_refresh.storage import Store
from model_refresh.storage.verify import verify
from model_refresh_tests.conftest import FIRST, SECOND
from model_refresh_tests.crash import crash_points
from model_refresh_tests.lab import NAME, Lab
from model_refresh_tests.storage.test_files import fail_fsync

IMPOSSIBLE = {"gate": "absolute", "metric": "roc_auc", "at_least": 0.999}


def judged(lab: Lab) -> tuple[Verdict, Challenger]:
    """The verdict of the second day and its refitted challenger, both stored."""
    return lab.judge(SECOND)


def champions(lab: Lab) -> list[str]:
    return [line.record.version for line in lab.store.champion.lines()]


def problems(lab: Lab) -> list[str]:
    return list(verify(Store(lab.home), [NAME]))


def test_a_passed_verdict_makes_one_entry_that_names_all_it_rests_on(lab: Lab) -> None:
    verdict, challenger = judged(lab)
    promotion = promote(lab.model, lab.store, verdict, challenger).record
    entry = lab.store.champion.lines()[-1].record
    assert (promotion.decision, promotion.entry, promotion.champion) == (
        "promote",
        2,
        entry.version,
    )
    assert entry.verdict == verdict.digest()
    assert entry.challenger == challenger.digest()
    assert entry.artifact == lab.store.version(entry.version).digest
    assert entry.prev == lab.store.champion.line(1).record.digest()
    assert problems(lab) == []


def test_the_same_promotion_delivered_twice_is_one_entry(lab: Lab) -> None:
    verdict, challenger = judged(lab)
    first = promote(lab.model, lab.store, verdict, challenger)
    assert promote(lab.model, lab.store, verdict, challenger) == first
    assert len(champions(lab)) == 2


def test_a_gate_that_cannot_pass_leaves_the_log_untouched(lab: Lab) -> None:
    strict = lab.again({"gates": [IMPOSSIBLE]})
    verdict, challenger = judged(strict)
    promotion = promote(strict.model, strict.store, verdict, challenger).record
    assert (verdict.decision, promotion.decision, challenger.version) == ("retain", "retain", None)
    assert "0.999" in promotion.sentence
    assert len(champions(strict)) == 1


def test_a_rejected_verdict_raises_its_reason(lab: Lab) -> None:
    strict = lab.again({"gates": [{**IMPOSSIBLE, "severity": "reject"}]})
    verdict, challenger = judged(strict)
    with pytest.raises(PromotionRefused, match=r"0\.999"):
        promote(strict.model, strict.store, verdict, challenger)
    assert len(champions(strict)) == 1


def test_a_verdict_against_a_former_champion_is_void(lab: Lab) -> None:
    verdict, challenger = judged(lab)
    trial = lab.store.comparisons(lab.day(FIRST)).lines()[-1].record.trial
    assert trial is not None
    override(lab.store, trial, as_of=lab.day(FIRST), who="ann", reason="trying")
    with pytest.raises(VerdictVoid, match="compared with another champion"):
        promote(lab.model, lab.store, verdict, challenger)
    assert len(champions(lab)) == 2


def test_the_loser_of_a_race_is_judged_again_against_the_new_champion(lab: Lab) -> None:
    trial = lab.store.comparisons(lab.day(FIRST)).lines()[-1].record.trial
    assert trial is not None
    override(lab.store, trial, as_of=lab.day(FIRST), who="ann", reason="trying")
    lab.refresh(SECOND)
    verdict = resume_verdict(lab.model, lab.store, lab.day(SECOND)).record
    assert verdict.champion == lab.store.champion.line(2).record.digest()
    comparisons = lab.store.comparisons(lab.day(SECOND)).lines()
    confidences = [line.record.confidence for line in comparisons]
    assert confidences == [0.95, 0.975], "a second look at the same holdout asks for more"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"gates": [{"gate": "beats_constant"}]}, "declared anew"),
        ({"comparison.confidence": 0.99}, "declared anew"),
    ],
)
def test_a_policy_that_changed_since_the_verdict_voids_it(
    lab: Lab, changes: dict[str, object], why: str
) -> None:
    verdict, challenger = judged(lab)
    changed = lab.again(changes)
    with pytest.raises(PromotionRefused, match=why):
        promote(changed.model, changed.store, verdict, challenger)
    assert len(champions(lab)) == 1


def test_code_that_changed_since_the_verdict_voids_it(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    verdict, challenger = judged(lab)
    monkeypatch.setattr("model_refresh.refresh.champion.code_digest", lambda: "0" * 64)
    with pytest.raises(PromotionRefused, match="itself changed"):
        promote(lab.model, lab.store, verdict, challenger)


@pytest.mark.parametrize("name", ["gates.py", "kernel/trees.c", "kernel/trees.h", "page.j2"])
def test_code_is_all_that_makes_scores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """The compiled kernel's source as well as modules."""
    monkeypatch.setattr(model_refresh, "__file__", str(tmp_path / "__init__.py"))
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("one")
    before = code_digest.__wrapped__()
    path.write_text("two")
    assert code_digest.__wrapped__() != before


def test_a_verdict_that_is_not_stored_promotes_nobody(lab: Lab) -> None:
    verdict, challenger = judged(lab)
    forged = verdict.model_copy(update={"sentence": "believe me"})
    with pytest.raises(PromotionRefused, match="no such verdict is stored"):
        promote(lab.model, lab.store, forged, challenger)


def test_a_forged_verdict_is_found_out_by_judging_again(lab: Lab) -> None:
    strict = lab.again({"gates": [IMPOSSIBLE]})
    honest = resume_verdict(strict.model, strict.store, strict.day(SECOND)).record
    forged = honest.model_copy(update={"decision": "promote", "gates": ()})
    strict.store.verdicts(strict.day(SECOND)).record_once(forged, key=forged.digest())
    challenger = resume_challenger(strict.model, strict.store, strict.day(SECOND)).record
    with pytest.raises(PromotionRefused, match="says otherwise"):
        promote(strict.model, strict.store, forged, challenger)
    assert len(champions(strict)) == 1


def _other_verdict(challenger: Challenger) -> Challenger:
    return challenger.model_copy(update={"verdict": "0" * 64})


def _disagreeing(challenger: Challenger) -> Challenger:
    failed = CheckResult(name="twin_agreement", outcome="failed", sentence="correlation 0.1")
    return challenger.model_copy(update={"checks": (failed,)})


def _unchecked(challenger: Challenger) -> Challenger:
    return challenger.model_copy(update={"checks": ()})


def _other_trial(challenger: Challenger) -> Challenger:
    return challenger.model_copy(update={"trial": challenger.version})


def _other_artifact(challenger: Challenger) -> Challenger:
    return challenger.model_copy(update={"artifact": "0" * 64})


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (_other_verdict, "another verdict"),
        (_disagreeing, "twin_agreement"),
        (_unchecked, "no refitted challenger"),
        (_other_trial, "another verdict"),
        (_other_artifact, "not the artifact"),
    ],
)
def test_a_challenger_without_a_bound_pass_of_every_check_is_refused(
    lab: Lab, change: Callable[[Challenger], Challenger], why: str
) -> None:
    verdict, challenger = judged(lab)
    changed = change(challenger)
    lab.store.challengers(lab.day(SECOND)).record_once(changed, key=changed.digest())
    with pytest.raises(PromotionRefused, match=why):
        promote(lab.model, lab.store, verdict, changed)
    assert len(champions(lab)) == 1


def test_a_challenger_that_is_not_stored_is_refused(lab: Lab) -> None:
    verdict, challenger = judged(lab)
    with pytest.raises(PromotionRefused, match="is not stored"):
        promote(
            lab.model, lab.store, verdict, challenger.model_copy(update={"trial_lineage": None})
        )


@pytest.mark.parametrize("twin", ["trial", "version"])
@pytest.mark.parametrize("file", ["model.json", "encoder.json", "manifest.json"])
def test_one_flipped_byte_of_either_twin_stops_the_promotion(
    lab: Lab, twin: str, file: str
) -> None:
    verdict, challenger = judged(lab)
    path = lab.store.versions_folder / getattr(challenger, twin) / file
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(ModelRefreshError, match=file):
        promote(lab.model, lab.store, verdict, challenger)
    assert len(champions(lab)) == 1


def test_refreshing_the_past_promotes_nobody(lab: Lab) -> None:
    promotion = lab.refresh(FIRST - 1)
    assert promotion.decision == "retain"
    assert "a later entry is in the champion log" in promotion.sentence
    assert len(champions(lab)) == 1


def test_a_champion_materialized_alone_takes_the_newest_comparison(lab: Lab) -> None:
    judged(lab)
    promotion, comparison = resume_promotion(lab.model, lab.store, None)
    assert (promotion.decision, comparison.as_of) == ("promote", lab.day(SECOND))


def test_without_a_verdict_the_champion_stays(lab: Lab) -> None:
    with pytest.raises(PromotionRefused, match="was not judged"):
        resume_promotion(lab.model, lab.store, lab.day(SECOND))
    assert len(champions(lab)) == 1


def test_any_former_champion_comes_back_by_one_entry(lab: Lab) -> None:
    promote(lab.model, lab.store, *judged(lab))
    first, second = champions(lab)
    entry = roll_back(lab.store, to=None, who="ann", reason="complaints")
    assert (entry.kind, entry.version, entry.as_of) == ("rollback", first, lab.day(SECOND))
    assert champions(lab) == [first, second, first]
    with pytest.raises(PromotionRefused, match=r"was rolled back itself \(complaints\).*--force"):
        roll_back(lab.store, to=second, who="ann", reason="no, it was fine")
    override(lab.store, second, as_of=lab.day(SECOND), who="ann", reason="no, it was fine")
    assert roll_back(lab.store, to=first, who="ann", reason="it was not").version == first
    assert problems(lab) == []


def test_a_rollback_may_count_from_another_as_of(lab: Lab) -> None:
    promote(lab.model, lab.store, *judged(lab))
    entry = roll_back(lab.store, to=None, who="ann", reason="late", as_of=lab.day(SECOND + 3))
    assert entry.as_of == lab.day(SECOND + 3)


def test_a_rollback_goes_back_in_history_not_to_and_fro(lab: Lab) -> None:
    promote(lab.model, lab.store, *judged(lab))
    roll_back(lab.store, to=None, who="ann", reason="complaints")
    with pytest.raises(PromotionRefused, match="no earlier champion"):
        roll_back(lab.store, to=None, who="ann", reason="more complaints")


def test_a_version_that_was_rolled_back_returns_by_override_only(lab: Lab) -> None:
    verdict, challenger = judged(lab)
    promote(lab.model, lab.store, verdict, challenger)
    roll_back(lab.store, to=None, who="ann", reason="complaints")
    before = len(lab.store.promotions(lab.day(SECOND)).lines())
    lab.refresh(SECOND)
    assert len(lab.store.promotions(lab.day(SECOND)).lines()) == before, "it has promoted: done"
    assert champions(lab)[-1] != challenger.version
    back = override(
        lab.store, challenger.version or "", as_of=lab.day(SECOND), who="ann", reason="x"
    )
    assert (back.kind, back.trial) == ("override", challenger.trial)
    assert problems(lab) == []


def test_a_rollback_to_a_damaged_version_is_refused(lab: Lab) -> None:
    promote(lab.model, lab.store, *judged(lab))
    shutil.rmtree(lab.store.versions_folder / champions(lab)[0])
    with pytest.raises(ModelRefreshError, match="missing"):
        roll_back(lab.store, to=None, who="ann", reason="complaints")
    assert len(champions(lab)) == 2


def _promote_in_a_process(fleet: Path, home: Path) -> None:
    (model,) = load_fleet(fleet, environment={})
    resume_promotion(model, Store(home).model(NAME), None)


def test_eight_processes_that_promote_the_same_make_one_entry(lab: Lab) -> None:
    judged(lab)
    context = multiprocessing.get_context("spawn")
    args = (lab.fleet, lab.home)
    workers = [context.Process(target=_promote_in_a_process, args=args) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * 8
    assert len(champions(lab)) == 2
    assert problems(lab) == []


def _override_in_a_process(home: Path, version: str, who: str) -> None:
    store = Store(home).model(NAME)
    override(store, version, as_of=store.champion.lines()[0].record.as_of, who=who, reason="race")


def test_eight_concurrent_overrides_form_one_order(lab: Lab) -> None:
    versions = lab.store.versions()
    context = multiprocessing.get_context("spawn")
    workers = [
        context.Process(
            target=_override_in_a_process, args=(lab.home, versions[i % len(versions)], f"w{i}")
        )
        for i in range(8)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    entries = [line.record for line in lab.store.champion.lines()]
    assert sorted(entry.who for entry in entries[1:]) == [f"w{i}" for i in range(8)]
    assert problems(lab) == []


def test_a_kill_at_any_call_inside_a_promotion_leaves_the_old_or_the_new_champion(lab: Lab) -> None:
    verdict, challenger = judged(lab)
    old = champions(lab)
    new = [*old, challenger.version]
    kept = lab.home.with_name("kept")
    shutil.copytree(lab.home, kept)

    def prepare() -> None:
        shutil.rmtree(lab.home)
        shutil.copytree(kept, lab.home)

    seen = set()
    for _ in crash_points(partial(promote, lab.model, lab.store, verdict, challenger), prepare):
        met = champions(lab)
        assert met in (old, new)
        seen.add(len(met))
        assert problems(lab) == []
        promote(lab.model, lab.store, verdict, challenger)
        assert champions(lab) == new
    assert seen == {1, 2}, "the kills must fall on both sides of the promotion"


def test_an_fsync_that_fails_inside_a_promotion_leaves_the_old_or_the_new_champion(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    verdict, challenger = judged(lab)
    old = champions(lab)
    new = [*old, challenger.version]
    kept = lab.home.with_name("kept")
    shutil.copytree(lab.home, kept)
    seen = []
    for failing in range(1, 100):
        with monkeypatch.context() as broken:
            calls = fail_fsync(broken, failing)
            try:
                promote(lab.model, lab.store, verdict, challenger)
            except StoreWriteError as error:
                assert error.transient
        if len(calls) < failing:
            break
        met = champions(lab)
        assert met in (old, new)
        seen.append(len(met))
        assert problems(lab) == []
        promote(lab.model, lab.store, verdict, challenger)
        assert champions(lab) == new
        shutil.rmtree(lab.home)
        shutil.copytree(kept, lab.home)
    assert seen == [1, 2, 2, 2], "the entry and its name, then the record and its name"


def test_a_kill_at_any_call_while_judging_is_mended_by_running_again(lab: Lab) -> None:
    kept = lab.home.with_name("kept")
    shutil.copytree(lab.home, kept)

    def prepare() -> None:
        shutil.rmtree(lab.home)
        shutil.copytree(kept, lab.home)

    expected = None
    do = partial(resume_verdict, lab.model, lab.store, lab.day(SECOND))
    for _ in crash_points(do, prepare):
        verdict = resume_verdict(lab.model, lab.store, lab.day(SECOND)).record
        expected = expected or verdict
        assert verdict == expected
        assert problems(lab) == []


def test_a_refit_is_done_once(lab: Lab) -> None:
    verdict, challenger = judged(lab)
    dataset = stored_dataset(lab.model, lab.store, lab.day(SECOND))
    again = refit_challenger(lab.model, lab.store, dataset, verdict)
    assert (again.number, again.record) == (1, challenger)


def test_a_verdict_with_bounds_that_are_nan_is_the_same_when_judged_again(lab: Lab) -> None:
    few = lab.again({"comparison.group": "segment"})
    resume_comparison(few.model, few.store, few.day(SECOND))
    verdict, challenger = judged(few)
    assert "not judged: 2 independent groups" in verdict.sentence
    assert promote(few.model, few.store, verdict, challenger).record.decision == "retain"


def test_a_label_that_was_declared_anew_since_the_verdict_voids_it(lab: Lab) -> None:
    verdict, challenger = judged(lab)
    path = lab.folder / "labels.sql"
    path.write_text(path.read_text().replace("max(visited)", "1 - max(visited)"))
    changed = lab.again({})
    with pytest.raises(PromotionRefused, match="the SQL or the label was declared anew"):
        promote(changed.model, changed.store, verdict, challenger)
    assert len(champions(lab)) == 1


def test_a_refresh_that_has_promoted_is_done_whatever_is_declared_later(lab: Lab) -> None:
    promote(lab.model, lab.store, *judged(lab))
    changed = lab.again({"comparison.confidence": 0.99})
    promotion = changed.refresh(SECOND)
    assert (promotion.decision, promotion.entry) == ("promote", 2)
    assert len(lab.store.promotions(lab.day(SECOND)).lines()) == 1


def test_a_refresh_older_than_an_override_promotes_nobody(lab: Lab) -> None:
    trial = lab.store.comparisons(lab.day(FIRST)).lines()[-1].record.trial
    override(lab.store, trial or "", as_of=lab.day(SECOND + 1), who="ann", reason="trying")
    promotion = lab.refresh(SECOND)
    assert promotion.decision == "retain"
    assert "a later entry is in the champion log" in promotion.sentence


def test_the_champions_page_tells_who_is_in_production_after_a_rollback(lab: Lab) -> None:
    promote(lab.model, lab.store, *judged(lab))
    entry = roll_back(lab.store, to=None, who="ann", reason="complaints")
    promotion, _ = resume_promotion(lab.model, lab.store, None)
    assert (promotion.entry, promotion.champion) == (entry.number, entry.version)
    assert promotion.sentence.endswith("since then a rollback: complaints")
