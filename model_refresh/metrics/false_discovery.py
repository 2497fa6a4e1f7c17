"""Online control of false discoveries: how much error each test of an unending sequence may make.

The rule is LORD++ (Ramdas, Yang, Wainwright and Jordan 2017, *Online control of the false
discovery rate with decaying memory*), in the asynchronous form of Zrnic, Ramdas and Jordan (2021,
*Asynchronous online testing of multiple hypotheses*): tests overlap, and only those that have
ended as discoveries when a test begins count for its level.

Of all discoveries, the expected share that is false stays below the rate, whenever one looks
(proved for independent tests; of the ratio of expectations also where tests in progress at the
same time depend on each other).
"""

import math
from collections.abc import Sequence
from functools import lru_cache

RULE = "LORD++"
"""The rule by its name in the literature."""

_INITIAL_SHARE = 0.5
"""Share of the rate that is spent before any discovery; the first discovery earns the rest."""
_GAMMA_TOTAL = 12.645107872872
"""The sum of log(max(t, 2)) / (t exp(sqrt(log t))) over t = 1, 2, ..."""


def level(number: int, discovered: Sequence[int], *, rate: float) -> float:
    """The error that the test of this number, from 1, may make: reject where p <= level.

    `discovered` has the numbers of earlier tests that have ended as discoveries, in any order,
    each once; a test still in progress is left out. Every discovery earns up to `rate` for later
    tests, so a sequence that finds nothing falls towards level 0 and never reaches it.

        level = w gamma(number) + (rate - w) gamma(number - first) + rate sum gamma(number - other)

    with w = rate / 2 and gamma(t) proportional to log(max(t, 2)) / (t exp(sqrt(log t))), with
    sum 1. A discovery that ends late earns as if it had ended at once: less, never more. Raises
    ValueError where the rate is not between 0 and 1 or a discovery is not an earlier test.
    """
    if not 0.0 < rate < 1.0:
        raise ValueError(f"a false discovery rate lies between 0 and 1, met {rate}")
    earlier = sorted(discovered)
    if number < 1 or (earlier and not 1 <= earlier[0] <= earlier[-1] < number):
        raise ValueError(f"test {number} can't know of discoveries {earlier}: tests count from 1")
    initial = rate * _INITIAL_SHARE
    earned = [rate - initial if place == 0 else rate for place in range(len(earlier))]
    return initial * gamma(number) + sum(
        earning * gamma(number - test) for earning, test in zip(earned, earlier, strict=True)
    )


@lru_cache(maxsize=4096)
def gamma(distance: int) -> float:
    """The share of an earning that is spent on the test at this distance, from 1; sums to 1."""
    slow = math.exp(math.sqrt(math.log(distance)))
    return math.log(max(distance, 2)) / (distance * slow) / _GAMMA_TOTAL
