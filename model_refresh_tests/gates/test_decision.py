import pytest

from model_refresh.gates import decide
from model_refresh.records import Decision, GateResult, Severity
from model_refresh_tests.gates.factories import make_interval


@pytest.mark.parametrize(
    ("outcomes", "decision", "sentence"),
    [
        (["passed", "passed"], "promote", "gate 0 says passed"),
        (["passed", "not_applicable"], "promote", "gate 0 says passed"),
        (["not_applicable", "passed"], "promote", "gate 1 says passed"),
        (
            ["not_applicable"],
            "retain",
            "no gate had anything to ask without an incumbent, so nothing "
            "speaks for the challenger: declare beats_constant",
        ),
        (["passed", "failed"], "retain", "g1: gate 1 says failed"),
        (["failed", "failed"], "retain", "g0: gate 0 says failed; g1: gate 1 says failed"),
        (["passed", "inconclusive"], "retain", "inconclusive: g1: gate 1 says inconclusive"),
        (["inconclusive", "failed"], "retain", "g1: gate 1 says failed"),
        (["failed!", "failed"], "reject", "g0: gate 0 says failed"),
        (["passed!", "failed"], "retain", "g1: gate 1 says failed"),
        (["inconclusive!"], "retain", "inconclusive: g0: gate 0 says inconclusive"),
    ],
)
def test_all_must_pass_and_a_grave_failure_rejects(
    outcomes: list[str], decision: Decision, sentence: str
) -> None:
    results = [_result(f"g{number}", outcome) for number, outcome in enumerate(outcomes)]
    assert decide(results) == (decision, sentence)


def test_the_incumbent_is_spoken_of_before_the_constant() -> None:
    interval = make_interval(0.1, 0.01)
    results = [
        _result("beats_constant", "passed").model_copy(update={"interval": interval}),
        _result("absolute", "passed"),
        _result("non_inferior", "passed").model_copy(update={"interval": interval}),
    ]
    assert decide(results)[1] == results[2].sentence


def test_nothing_asked_nothing_promoted() -> None:
    assert decide([])[0] == "retain"


def _result(gate: str, outcome: str) -> GateResult:
    severity: Severity = "reject" if outcome.endswith("!") else "retain"
    plain = outcome.removesuffix("!")
    return GateResult.model_validate(
        {
            "gate": gate,
            "outcome": plain,
            "severity": severity,
            "sentence": f"gate {gate.removeprefix('g')} says {plain}",
        }
    )


def test_a_gate_that_is_asked_afterwards_speaks_for_nobody() -> None:
    twins = _result("twin_agreement", "not_applicable")
    assert decide([twins])[0] == "retain"
    assert decide([twins.model_copy(update={"outcome": "failed", "severity": "reject"})])[0] == (
        "reject"
    )
    assert decide([twins, _result("g1", "passed")]) == ("promote", "gate 1 says passed")


@pytest.mark.parametrize("gate", ["non_inferior", "superior", "value"])
@pytest.mark.parametrize("before", ["calibration", "slices"])
def test_an_interval_alone_is_no_comparison(gate: str, before: str) -> None:
    interval = make_interval(0.1, 0.01)
    results = [
        _result(name, "passed").model_copy(update={"interval": interval, "sentence": name})
        for name in (before, gate)
    ]
    assert decide(results)[1] == gate
