"""Results as Markdown tables: a question each, then the mean over all that ask for a chance."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from peers.results import Result

Results = Mapping[tuple[str, str], Result]
"""The result of each peer and task."""

_COSTS = {
    "CPU s": "cpu_seconds",
    "wall s": "wall_seconds",
    "peak MiB": "peak_mib",
    "artifact MiB": "artifact_mib",
    "rows/s": "rows_per_second",
}
_BEST = "*best peer of each date*"


def tables(results: Results) -> str:
    """A table for each question; its first metric is that of the means, less is better."""
    questions = sorted({task.split()[0] for _, task in results})
    return "\n\n".join([*(_table(each, results) for each in questions), _all_binary(results)])


def _table(question: str, results: Results) -> str:
    """One question: scores per date, the mean of the first metric, the costs' means."""
    chosen = {key: each for key, each in results.items() if key[1].split()[0] == question}
    tasks, peers = _tasks_and_peers(chosen)
    metrics = next((list(each.scores) for each in chosen.values() if each.scores), [])
    head = ["peer", *(task.split()[1] for task in tasks), "mean", *_COSTS]
    lines = [f"**{question}**: {' / '.join(metrics)}", "", _line(head), _line(["---"] * len(head))]
    for peer in peers:
        row = [chosen.get((peer, task)) for task in tasks]
        lines.append(_line([peer, *map(_scores, row), _mean(map(_first, row)), *_costs(row)]))
    best = _best(chosen, tasks)
    lines.append(_line([_BEST, *map(_number, best), _mean(best), *[""] * len(_COSTS)]))
    return "\n".join(lines)


def _all_binary(results: Results) -> str:
    """The mean log loss over every binary task, of those that have been measured on all of them."""
    chosen = {key: each for key, each in results.items() if "log_loss" in each.scores}
    tasks, peers = _tasks_and_peers(chosen)
    means = {p: _mean(_first(chosen.get((p, task))) for task in tasks) for p in peers}
    rows = [(peer, mean) for peer, mean in means.items() if mean]
    rows.append((_BEST, _mean(_best(chosen, tasks))))
    head = [f"**mean log loss of {len(tasks)} tasks**", "", _line(["peer", "mean"])]
    return "\n".join([*head, _line(["---", "---"]), *map(_line, rows)])


def _best(results: Results, tasks: Sequence[str]) -> list[float | None]:
    """The lowest first metric of each task among the peers; our own candidates are none of them."""
    best = []
    for task in tasks:
        peers = [each for (_, name), each in results.items() if name == task and each.packages]
        best.append(min((x for x in map(_first, peers) if x is not None), default=None))
    return best


def _tasks_and_peers(results: Results) -> tuple[list[str], list[str]]:
    """Tasks by date, peers as they were measured: each name once."""
    return sorted({task for _, task in results}), list(dict.fromkeys(peer for peer, _ in results))


def _first(result: Result | None) -> float | None:
    return next(iter(result.scores.values()), None) if result is not None else None


def _mean(values: Iterable[float | None]) -> str:
    """Empty where one is missing: a mean over other tasks can't be compared."""
    known = list(values)
    found = [value for value in known if value is not None]
    return _number(float(np.mean(found))) if found and len(found) == len(known) else ""


def _scores(result: Result | None) -> str:
    if result is None:
        return ""
    if result.problem is not None:
        return result.problem.splitlines()[0]
    return " / ".join(map(_number, result.scores.values()))


def _costs(row: Sequence[Result | None]) -> list[str]:
    """Each cost's mean over the dates that have been measured."""
    measured = [each for each in row if each is not None and each.problem is None]
    if not measured:
        return [""] * len(_COSTS)
    means = (float(np.mean([getattr(r, name) for r in measured])) for name in _COSTS.values())
    return [f"{mean:,.0f}" if mean >= 10 else f"{mean:.2g}" for mean in means]


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.4f}" if abs(value) < 1 else f"{value:.2f}"
