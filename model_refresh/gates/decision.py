"""From all gates' answers to one decision."""

from collections.abc import Sequence

from model_refresh.records import Decision, GateResult

COMPARATIVE = ("non_inferior", "superior", "value")
"""Gates whose sentence says how the challenger does against the incumbent."""

AFTERWARDS = ("twin_agreement",)
"""Gates that are asked after the decision: alone they ask nothing of the challenger."""


def decide(results: Sequence[GateResult]) -> tuple[Decision, str]:
    """Promote where all pass; reject where a failure has that severity; else retain.

    The sentence is made from the gates that did not pass, or on a promotion from the first that
    compared something. No gates at all promote nobody: somebody must have asked something.
    """
    asked = [each for each in results if each.gate not in AFTERWARDS or each.outcome == "failed"]
    if not asked:
        return "retain", "no gate is declared, so nothing speaks for the challenger"
    against = [result for result in results if not result.passes]
    if not against and not any(each.outcome == "passed" for each in asked):
        return "retain", (
            "no gate had anything to ask without an incumbent, so nothing speaks for the "
            "challenger: declare beats_constant"
        )
    if not against:
        return "promote", _praise(results)
    grave = [each for each in against if each.outcome == "failed" and each.severity == "reject"]
    if grave:
        return "reject", _reasons(grave)
    failed = [result for result in against if result.outcome == "failed"]
    if failed:
        return "retain", _reasons(failed)
    return "retain", f"inconclusive: {_reasons(against)}"


def _praise(results: Sequence[GateResult]) -> str:
    passed = [result for result in results if result.outcome == "passed"]
    compared = [result for result in passed if result.gate in COMPARATIVE and result.interval]
    first = [result for result in compared if result.gate != "value"]
    return (first or compared or passed or list(results))[0].sentence


def _reasons(results: Sequence[GateResult]) -> str:
    """Each gate's sentence; one that all share is said once."""
    if len(results) > 1 and len({result.sentence for result in results}) == 1:
        return results[0].sentence
    return "; ".join(f"{result.gate}: {result.sentence}" for result in results)
