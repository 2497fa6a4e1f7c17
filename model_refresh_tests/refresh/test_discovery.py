"""False discovery control: one sequence over the whole fleet, kept in the store."""

import pytest

from model_refresh.refresh.comparison import compare
from model_refresh.refresh.discovery import close_test, open_test
from model_refresh.refresh.resume import resume_comparison, resume_verdict, stored_dataset
from model_refresh_tests.conftest import SECOND
from model_refresh_tests.lab import Lab

RATE = {"comparison.false_discovery_rate": 0.1}


def test_without_a_declared_rate_there_is_no_sequence(lab: Lab) -> None:
    assert open_test(lab.model, lab.store, lab.day(SECOND), key="a" * 64) is None
    assert lab.store.fleet_tests.last() is None


def test_each_comparison_takes_the_next_place_and_keeps_it(lab: Lab) -> None:
    model = lab.again(RATE).model
    day = lab.day(SECOND)
    places = [open_test(model, lab.store, day, key=letter * 64) for letter in "abab"]
    assert [place and place.number for place in places] == [1, 2, 1, 2]
    levels = [place.level for place in places if place]
    assert levels[0] == levels[2] > levels[1] == levels[3]
    assert sum(levels[:2]) < 0.1


def test_two_models_share_one_sequence(lab: Lab) -> None:
    model, other = lab.again(RATE).model, lab.store.root.parent / "other"
    sibling = type(lab.store)(other, lab.store.clock)
    first = open_test(model, lab.store, lab.day(SECOND), key="a" * 64)
    second = open_test(model, sibling, lab.day(SECOND), key="b" * 64)
    assert first is not None
    assert second is not None
    assert (first.number, second.number) == (1, 2)


def test_a_promotion_earns_later_tests_more(lab: Lab) -> None:
    strict = lab.again(RATE)
    resume_comparison(strict.model, strict.store, strict.day(SECOND))
    verdict = resume_verdict(strict.model, strict.store, strict.day(SECOND)).record
    discovery = open_test(strict.model, strict.store, strict.day(SECOND), key="b" * 64)
    promoted = verdict.model_copy(update={"decision": "promote"})
    close_test(strict.store, discovery, promoted)
    close_test(strict.store, discovery, promoted)
    assert [line.record.test for line in strict.store.fleet_discoveries.lines()].count(2) == 1
    kept = open_test(strict.model, strict.store, strict.day(SECOND), key="c" * 64)
    without = lab.store.fleet_tests.line(2).record.level
    assert kept is not None
    assert kept.level > without / 2


def test_a_retained_challenger_is_no_discovery(lab: Lab) -> None:
    strict = lab.again({**RATE, "gates": [{"gate": "superior", "by": 0.5}]})
    line, _ = resume_comparison(strict.model, strict.store, strict.day(SECOND))
    assert line.record.discovery is not None
    assert line.record.confidence == pytest.approx(1 - line.record.discovery.level)
    assert (
        resume_verdict(strict.model, strict.store, strict.day(SECOND)).record.decision == "retain"
    )
    assert strict.store.fleet_discoveries.last() is None


def test_run_again_it_is_the_same_test(lab: Lab) -> None:
    strict = lab.again(RATE)
    line, candidates = resume_comparison(strict.model, strict.store, strict.day(SECOND))
    dataset = stored_dataset(strict.model, strict.store, strict.day(SECOND))
    again = compare(strict.model, strict.store, dataset, candidates)
    assert again.record == line.record
    assert [each.number for each in strict.store.fleet_tests.lines()] == [1]
