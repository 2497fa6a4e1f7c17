"""Boosting rounds and the threads that grow them."""

import os

from model_refresh.algorithms.protocol import Parameters, Rows, number

ROUNDS = "rounds"
"""The parameter that holds them, for every algorithm that has rounds."""

_SMALL_CELLS = 500_000
"""Below it one thread grows trees faster than several do on a busy machine: they wait by spinning,
ten times as long as they work."""


def most_rounds(used: Parameters, early: Rows | None, *, ceiling: int) -> int:
    """The rounds that were found before where nothing stops the fit, else the ceiling.

    Raises FitError where the parameter is no number.
    """
    if early is not None or ROUNDS not in used:
        return ceiling
    return max(1, int(number(used, ROUNDS)))


def chosen(used: Parameters) -> Parameters:
    """The parameters that are the library's own: all but the rounds."""
    return {name: value for name, value in used.items() if name != ROUNDS}


def few_threads(cells: int) -> int | None:
    """1 where a table has few cells (rows times columns); None: as many as are allowed."""
    return 1 if cells < _SMALL_CELLS else None


def allowed_threads(cells: int) -> int:
    """How many threads to use, for a library that no limit from outside reaches.

    The fewest that any numeric library of this process may use (threadpoolctl's limits and
    OMP_NUM_THREADS), and no more than the processors that the process may run on.
    """
    from threadpoolctl import threadpool_info  # here: for the command line

    pools = [int(pool["num_threads"]) for pool in threadpool_info()]
    return few_threads(cells) or max(1, min([len(os.sched_getaffinity(0)), *pools]))
