"""why: the verdict gate by gate, with value, threshold, interval and sentence."""

import math
import re

import pytest

from model_refresh.errors import PromotionRefused
from model_refresh.records import CheckResult, Comparison
from model_refresh.refresh.candidates import fit_candidate
from model_refresh.refresh.dataset import build_dataset
from model_refresh.refresh.resume import resume_challenger, resume_verdict, stored_dataset
from model_refresh.storage import ModelStore
from model_refresh_tests.cli.terminal import day, run
from model_refresh_tests.conftest import FIRST, SECOND
from model_refresh_tests.lab import NAME, Lab


def test_each_gate_has_its_figures_and_its_sentence(lab: Lab) -> None:
    resume_verdict(lab.model, lab.store, lab.day(SECOND))
    told = run(lab, "why", NAME).out
    comparison = lab.store.comparisons(lab.day(SECOND)).lines()[-1].record
    assert comparison.incumbent is not None
    assert told.startswith("2024-01-26 promote: log loss 0.4257 against the incumbent's 0.4245")
    assert f"  challenger: linear {comparison.trial}\n" in told
    assert f"{comparison.incumbent.trial}, trial twin of {comparison.incumbent.version}\n" in told
    assert "  holdout: 300 rows of 2024-01-25\n" in told
    gate = told[told.index("non_inferior: passed\n") :].splitlines()
    assert gate[1].startswith("  log loss 0.4257 against the incumbent's 0.4245: worse by 0.0011")
    assert re.fullmatch(
        r"  value -0\.001\d+, threshold -0\.00687\d*, bounds -\S+ and \S+, each at 95%", gate[2]
    )
    assert "\nroc_auc " in told
    assert "this holdout can't see less than " in told


def test_without_an_incumbent_its_gate_is_not_applicable(lab: Lab) -> None:
    told = run(lab, "why", NAME, "--as-of", day(lab, FIRST)).out
    assert "non_inferior: not applicable\n  there is no incumbent yet\n" in told
    assert "incumbent: " not in told


def test_json_is_verdict_and_comparison(lab: Lab) -> None:
    told = run(lab, "why", NAME, "--as-of", day(lab, FIRST), "--json").json
    assert list(told) == ["verdict", "comparison", "trial_scores"]
    assert told["verdict"]["decision"] == "promote"
    assert list(told["verdict"]["gates"][0]) == [
        "gate", "outcome", "severity", "metric", "value", "threshold", "interval", "sentence",
    ]  # fmt: skip


def test_the_comparison_is_the_one_that_was_judged(lab: Lab) -> None:
    resume_verdict(lab.model, lab.store, lab.day(SECOND))
    judged = run(lab, "why", NAME, "--json").json
    recompare(lab.store, lab, rows=7)
    assert run(lab, "why", NAME, "--json").json == judged


def test_a_number_that_json_does_not_know_is_told_as_text(lab: Lab) -> None:
    recompare(lab.store, lab, confidence=math.inf)
    resume_verdict(lab.model, lab.store, lab.day(SECOND))
    told = run(lab, "why", NAME, "--json").json
    assert told["comparison"]["confidence"] == "Infinity"


def recompare(store: ModelStore, lab: Lab, **changes: float) -> Comparison:
    """One more comparison, which nobody has judged."""
    log = store.comparisons(lab.day(SECOND))
    other = log.lines()[-1].record.model_copy(update=changes)
    return log.record_once(other, key=other.digest()).record


@pytest.mark.parametrize(
    ("number", "why"),
    [
        (SECOND, "visits, refresh of 2024-01-26: it was not judged: it was compared, and then stopped before its gates were asked; to go on: model-refresh refresh visits --as-of 2024-01-26"),
        (SECOND + 1, "refresh of 2024-01-27: nothing is stored of it; the newest are 2024-01-25"),
    ],
)  # fmt: skip
def test_no_verdict_is_told_with_how_far_it_got(lab: Lab, number: int, why: str) -> None:
    ended = run(lab, "why", NAME, "--as-of", day(lab, number))
    assert (ended.code, ended.out) == (1, "")
    assert why in ended.err


def test_a_model_that_was_never_refreshed_says_how_to_begin(fresh: Lab) -> None:
    ended = run(fresh, "why", NAME)
    assert ended.code == 1
    assert ended.err == "visits was never refreshed: model-refresh refresh visits\n"


def test_a_refresh_that_stopped_is_told_with_the_step_it_stopped_before(fresh: Lab) -> None:
    build_dataset(fresh.model, fresh.store, fresh.day(FIRST))
    told = run(fresh, "why", NAME, "--as-of", day(fresh, FIRST)).err
    assert "its dataset is there, and it stopped before constant, linear was fitted" in told
    dataset = stored_dataset(fresh.model, fresh.store, fresh.day(FIRST))
    for algorithm in fresh.model.spec.training.candidates:
        fit_candidate(fresh.model, fresh.store, dataset, algorithm)
    told = run(fresh, "why", NAME, "--as-of", day(fresh, FIRST)).err
    assert "its candidates are there, and it stopped before they were compared" in told


def test_a_date_on_which_nothing_could_be_decided_says_from_when_on(lab: Lab) -> None:
    told = run(lab, "why", NAME, "--as-of", day(lab, 1)).err
    assert "refresh of 2024-01-16: there is no decision, as " in told
    assert "2024-01-" in told.partition(", as ")[2]


def test_an_incomparable_champion_is_explained_with_what_to_do(lab: Lab) -> None:
    sql = (lab.folder / "labels.sql").read_text()
    (lab.folder / "labels.sql").write_text(sql.replace("max(visited)", "min(visited)"))
    changed = lab.again({})
    with pytest.raises(PromotionRefused):
        changed.refresh(SECOND)
    told = run(changed, "why", NAME).out
    assert "reject: incomparable: it predicts another label" in told
    assert "can't be held against each other, so nothing was decided between them" in told
    assert "model-refresh promote visits VERSION --force" in told


def test_a_retained_challenger_is_a_normal_ending(lab: Lab) -> None:
    strict = lab.again({"gates": [{"gate": "superior", "by": 0.5}]})
    assert strict.refresh(SECOND).decision == "retain"
    told = run(strict, "why", NAME).out
    assert "the champion stays: the challenger is not good enough, which is a normal" in told


def test_a_verdict_that_waits_for_approval_says_by_which_command_it_goes_in(lab: Lab) -> None:
    manual = lab.again({"approval": "manual"})
    manual.refresh(SECOND)
    version = run(manual, "champion", NAME, "--json").json["waiting"]["version"]
    told = run(manual, "why", NAME).out.splitlines()[1].strip()
    command = f"model-refresh promote visits {version} --reason ..."
    assert told == f"passed, and waits for approval: {command}"
    run(manual, "promote", NAME, version, "--reason", "looked at it")
    assert "waits" not in run(manual, "why", NAME).out


def test_a_verdict_that_was_kept_back_by_a_test_names_it(lab: Lab) -> None:
    resume_verdict(lab.model, lab.store, lab.day(SECOND))
    challenger = resume_challenger(lab.model, lab.store, lab.day(SECOND)).record
    failed = CheckResult(name="twin_agreement", outcome="failed", sentence="correlation 0.1")
    changed = challenger.model_copy(update={"checks": (failed,)})
    lab.store.challengers(lab.day(SECOND)).record_once(changed, key=changed.digest())
    told = run(lab, "why", NAME).out
    assert "the gates let it pass, and a test kept it back: twin_agreement: correlation 0.1" in told


def test_why_tells_the_trial_batch_check_by_check(lab: Lab) -> None:
    told = run(lab, "why", NAME, "--as-of", day(lab, FIRST)).out
    assert "trial batch: 300 rows scored, 5 checks passed" in told
    assert "level: passed: the mean score is" in " ".join(told.split())
