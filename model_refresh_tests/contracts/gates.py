"""What every gate must do; a subclass in the gates' tests runs this for each one."""

import math

import pytest
from pydantic import TypeAdapter, ValidationError

from model_refresh.gates import Condition, Gate
from model_refresh.records import GateResult, Task
from model_refresh_tests.gates.factories import make_comparison, make_values, without_bounds

TASKS: tuple[Task, ...] = ("binary", "regression")

LOOKS_AT_VALUES = ("absolute", "slices", "stability", "latency", "size", "twin_agreement")
"""Gates that ask for no bound of a whole metric."""


class GateContract:
    """Subclasses parametrise every test by `gate`, declared for a binary task and log loss."""

    def test_it_is_told_apart_by_its_name_and_survives_json(self, gate: Condition) -> None:
        adapter: TypeAdapter[Condition] = TypeAdapter(Gate)
        assert adapter.validate_json(gate.model_dump_json()) == gate
        assert adapter.validate_python(gate.model_dump()) == gate
        assert type(gate).parse(gate.canonical()) == gate

    def test_it_is_closed_and_described(self, gate: Condition) -> None:
        assert all(field.description for field in type(gate).model_fields.values())
        with pytest.raises(ValidationError, match="Extra inputs"):
            type(gate).model_validate(gate.model_dump() | {"threshhold": 1})

    def test_a_good_challenger_passes_with_a_sentence(self, gate: Condition) -> None:
        result = gate.judge(make_comparison())
        good = "not_applicable" if _name(gate) == "twin_agreement" else "passed"
        assert result.outcome == good, result.sentence
        assert result.metric in (gate.reads("binary", "log_loss") or (None,))
        _require_readable(result)

    def test_judging_is_pure(self, gate: Condition) -> None:
        comparison = make_comparison()
        before = comparison.canonical()
        assert gate.judge(comparison) == gate.judge(comparison)
        assert comparison.canonical() == before

    def test_no_candidate_no_pass(self, gate: Condition) -> None:
        result = gate.judge(make_comparison(challenger=None))
        assert result.outcome == "failed"
        assert result.sentence == "no candidate could be fitted"

    @pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
    @pytest.mark.parametrize("alone", [True, False])
    def test_what_is_not_finite_fails(self, gate: Condition, value: float, alone: bool) -> None:
        for name in gate.reads("binary", "log_loss"):
            broken = make_values(name, challenger=value)
            comparison = make_comparison(broken)
            if alone:
                comparison = make_comparison(broken, incumbent=None)
            result = gate.judge(comparison)
            assert result.outcome == "failed"
            assert "not a finite number" in result.sentence

    def test_a_metric_that_was_not_compared_fails(self, gate: Condition) -> None:
        comparison = make_comparison().model_copy(update={"metrics": {}})
        result = gate.judge(comparison)
        if not gate.reads("binary", "log_loss"):
            assert result.passes
            return
        assert result.outcome == "failed"
        assert "was not computed" in result.sentence

    def test_what_is_undefined_never_passes(self, gate: Condition) -> None:
        """Gains of nan, none at all, or bounds of nan: a comparative gate does not pass."""
        if _name(gate) in LOOKS_AT_VALUES:
            return
        for name in gate.reads("binary", "log_loss"):
            good = make_values(name)
            for gain in (without_bounds(math.nan, groups=9), without_bounds(0.1, groups=3), None):
                fields = ("gain_over_constant", "gain_over_incumbent", "challenger_interval")
                broken = good.model_copy(update=dict.fromkeys(fields, gain))
                outcome = gate.judge(make_comparison(broken)).outcome
                assert outcome in {"failed", "inconclusive"}

    def test_its_severity_is_that_which_was_declared(self, gate: Condition) -> None:
        grave = gate.model_copy(update={"severity": "reject"})
        assert grave.judge(make_comparison()).severity == "reject"
        usual = "reject" if _name(gate) == "twin_agreement" else "retain"
        assert gate.judge(make_comparison()).severity == usual

    @pytest.mark.parametrize("task", TASKS)
    def test_what_it_reads_has_no_duplicates(self, gate: Condition, task: Task) -> None:
        primary = "log_loss" if task == "binary" else "rmse"
        read = gate.reads(task, primary)
        assert len(set(read)) == len(read)


def _name(gate: Condition) -> str:
    return str(gate.model_dump()["gate"])


def _require_readable(result: GateResult) -> None:
    assert 20 <= len(result.sentence) <= 300
    assert "nan" not in result.sentence
    assert "{" not in result.sentence
    assert any(letter.isdigit() for letter in result.sentence)
