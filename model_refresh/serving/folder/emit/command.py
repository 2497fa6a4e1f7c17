"""The command line of a generated file: it gets these functions as they are."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from model_refresh.scorer.formula.errors import RefusedValue
from model_refresh.scorer.formula.values import Row
from model_refresh.scorer.golden import CLOSE_ENOUGH, distance

Score = float | dict[str, float]
_MOST_TOLD = 10


def main(
    arguments: Sequence[str], *, usage: str, score: Callable[[Row], Score], artifact: str
) -> int:
    """Score standard input, or test the file; 0: done, 1: failed, 2: not understood."""
    match arguments:
        case []:
            return score_lines(score)
        case ["--self-test", path]:
            return self_test(path, score=score, artifact=artifact)
        case ["--help" | "-h"]:
            sys.stdout.write(usage)
            return 0
        case _:
            sys.stderr.write(usage)
            return 2


def score_lines(score: Callable[[Row], Score]) -> int:
    """A JSON object a line in, the JSON of its score a line out; ends at the first that is none."""
    for number, line in enumerate(sys.stdin.buffer, 1):
        if not line.strip():
            continue
        try:
            sys.stdout.write(json.dumps(score(as_row(json.loads(line)))) + "\n")
        except (RefusedValue, TypeError, ValueError, RecursionError) as error:
            sys.stdout.flush()
            sys.stderr.write(f"line {number}: {error}\n")
            return 1
    return 0


def as_row(value: object) -> Row:
    """The value, which must be a JSON object; raises TypeError."""
    if isinstance(value, dict):
        return value
    raise TypeError("a line must be one JSON object")


def self_test(path: str, *, score: Callable[[Row], Score], artifact: str) -> int:
    """Compare with the scores that a batch gives the golden rows."""
    golden = json.loads(Path(path).read_bytes())
    if golden["artifact"] != artifact:
        sys.stderr.write("these are golden rows of another version\n")
        return 1
    worst, wrong = 0.0, 0
    for number, case in enumerate(golden["cases"]):
        try:
            answer = score(case["row"])
        except RefusedValue as error:
            sys.stderr.write(f"golden row {number}: {error}\n")
            wrong += 1
            continue
        apart = distance(case["scores"], in_order(answer, golden["classes"]))
        worst = max(worst, apart)
        if not apart <= CLOSE_ENOUGH:
            wrong += 1
            if wrong <= _MOST_TOLD:
                told = json.dumps({**case, "answer": answer})
                sys.stderr.write(f"golden row {number}: {told}\n")
    sys.stdout.write(f"{len(golden['cases'])} golden rows, {wrong} wrong, furthest {worst:.3g}\n")
    return 1 if wrong or not golden["cases"] else 0


def in_order(answer: Score, classes: Sequence[str]) -> Sequence[float]:
    """The score as numbers, of classes in their order."""
    return [answer[name] for name in classes] if isinstance(answer, Mapping) else [answer]
