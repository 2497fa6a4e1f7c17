"""The verdict: all gates' answers, bound by digests to what they judged."""

import hashlib
from functools import cache
from pathlib import Path

import model_refresh
from model_refresh.config.model import Model
from model_refresh.gates import decide
from model_refresh.records import Comparison, Verdict
from model_refresh.refresh.contamination import require_own_figures
from model_refresh.refresh.discovery import close_test
from model_refresh.storage import Line, ModelStore


def judge(model: Model, comparison: Comparison) -> Verdict:
    """Ask every declared gate; a pure function of the declaration and the stored comparison."""
    results = tuple(gate.judge(comparison) for gate in model.spec.gates)
    decision, sentence = decide(results)
    incumbent = comparison.incumbent
    if incumbent is not None and incumbent.incomparable is not None:
        decision, sentence = "reject", f"incomparable: {incumbent.incomparable}"
    return Verdict(
        as_of=comparison.as_of,
        decision=decision,
        sentence=sentence,
        gates=results,
        comparison=comparison.digest(),
        artifact=comparison.artifact,
        dataset=comparison.dataset,
        champion=incumbent and incumbent.entry_digest,
        policy=model.policy_digest(),
        code=code_digest(),
    )


def give_verdict(model: Model, store: ModelStore, comparison: Comparison) -> Line[Verdict]:
    """Judge a stored comparison and keep the verdict.

    Raises Contaminated where the comparison's figures are not of its own holdout.
    """
    require_own_figures(store, comparison)
    verdict = judge(model, comparison)
    close_test(store, comparison.discovery, verdict)
    return store.verdicts(comparison.as_of).record_once(verdict, key=verdict.digest())


_SOURCES = {".py", ".c", ".h", ".j2"}
"""The compiled kernel's source, and templates of scorers, make scores too."""


@cache
def code_digest() -> str:
    """The sha256 of this package's source: a verdict holds for the code that gave it."""
    root = Path(model_refresh.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(each for each in root.rglob("*") if each.suffix in _SOURCES):
        digest.update(f"{path.relative_to(root)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()
