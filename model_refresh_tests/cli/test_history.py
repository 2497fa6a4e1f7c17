"""history: everything that was decided, in order, and what did not get to its end."""

import pytest

from model_refresh.errors import PromotionRefused
from model_refresh.records import CheckResult
from model_refresh.refresh.override import override, roll_back
from model_refresh.refresh.resume import resume_challenger, resume_verdict
from model_refresh_tests.cli.terminal import run
from model_refresh_tests.conftest import SECOND
from model_refresh_tests.lab import NAME, Lab

KEYS = ["as_of", "recorded_at", "decision", "sentence", "challenger", "champion", "reason",
        "reason_sentence", "metrics"]  # fmt: skip
IMPOSSIBLE = {"gate": "absolute", "metric": "roc_auc", "at_least": 0.999}


def told(lab: Lab) -> list[tuple[str, str | None]]:
    events = run(lab, "history", NAME, "--json").json
    assert all(list(event) == KEYS for event in events)
    return [(event["as_of"], event["decision"]) for event in events]


def sentence(lab: Lab) -> str:
    last: str = run(lab, "history", NAME, "--json").json[-1]["sentence"]
    return last


def test_every_decision_is_one_line_for_people(twice: Lab) -> None:
    lines = run(twice, "history", NAME).out.splitlines()
    assert lines[0].split() == [
        "as_of",
        "decision",
        "log",
        "loss",
        "champion",
        "reason",
        "sentence",
    ]
    assert [line.split()[:3] for line in lines[1:]] == [
        ["2024-01-25", "promote", "0.42513"],
        ["2024-01-26", "promote", "0.42565"],
    ]
    assert "better by" in lines[1]


def test_json_has_the_same_keys_for_every_kind_of_event(twice: Lab) -> None:
    roll_back(twice.store, to=None, who="ann", reason="complaints")
    override(
        twice.store, twice.store.versions()[0], as_of=twice.day(SECOND), who="bob", reason="trying"
    )
    assert told(twice) == [
        ("2024-01-25", "promote"),
        ("2024-01-26", "promote"),
        ("2024-01-26", "rollback"),
        ("2024-01-26", "override"),
    ]
    events = run(twice, "history", NAME, "--json").json
    assert events[2]["sentence"] == "ann: complaints"
    assert events[1]["metrics"]["log_loss"] == pytest.approx(0.42565, abs=1e-5)
    comparison = twice.store.comparisons(twice.day(SECOND)).lines()[-1].record
    assert events[1]["challenger"] == comparison.trial


def test_a_refresh_that_stopped_before_its_verdict_is_listed(lab: Lab) -> None:
    assert told(lab) == [("2024-01-25", "promote"), ("2024-01-26", None)]
    assert sentence(lab) == "it stopped before a verdict: run it again"
    assert run(lab, "history", NAME).out.splitlines()[2].split()[1] == "-"


def test_a_refresh_that_stopped_after_its_verdict_has_promoted_nobody(lab: Lab) -> None:
    resume_verdict(lab.model, lab.store, lab.day(SECOND))
    assert told(lab)[-1] == ("2024-01-26", None)
    assert sentence(lab).startswith("the gates say promote, but it did not get to its end")


def test_a_rejection_is_listed_as_such(lab: Lab) -> None:
    strict = lab.again({"gates": [{**IMPOSSIBLE, "severity": "reject"}]})
    with pytest.raises(PromotionRefused):
        strict.refresh(SECOND)
    assert told(strict)[-1] == ("2024-01-26", "reject")
    assert "0.999" in sentence(strict)


def test_twins_that_disagree_are_listed_as_a_rejection(lab: Lab) -> None:
    resume_verdict(lab.model, lab.store, lab.day(SECOND))
    challenger = resume_challenger(lab.model, lab.store, lab.day(SECOND)).record
    failed = CheckResult(name="twin_agreement", outcome="failed", sentence="correlation 0.1")
    changed = challenger.model_copy(update={"checks": (failed,)})
    lab.store.challengers(lab.day(SECOND)).record_once(changed, key=changed.digest())
    assert told(lab)[-1] == ("2024-01-26", "reject")
    assert sentence(lab) == "twin_agreement: correlation 0.1"


def test_a_trial_batch_that_failed_is_listed_as_a_rejection(lab: Lab) -> None:
    still = lab.again({"scores.shift": {"wasserstein": 1e-9, "holdout_factor": 0}})
    with pytest.raises(PromotionRefused, match=r"wasserstein.*--force"):
        still.refresh(SECOND)
    assert told(still)[-1] == ("2024-01-26", "reject")
    assert sentence(still).startswith("wasserstein: the mean move of scores")
    why = run(still, "why", NAME).out
    assert "the gates let it pass, and a test kept it back: wasserstein: the mean move" in why


def test_no_history_says_how_to_begin(fresh: Lab) -> None:
    ended = run(fresh, "history", NAME)
    assert (ended.code, ended.out) == (
        0,
        "visits was never refreshed: model-refresh refresh visits\n",
    )
    assert run(fresh, "history", NAME, "--json").json == []
