"""How long a scorer takes to answer one row, over one connection."""

import json
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

from model_refresh.scorer.formula.values import Row
from model_refresh.serving.folder.suite.client import Client, Unanswered

ROUNDS = 5
REQUESTS = 400
"""Of a round: its p99 has four requests beyond it."""
_WARM_UP = 100
_LONGEST_SECONDS = 30.0


@dataclass(frozen=True)
class Latency:
    """Of the best round, in milliseconds; another process at work makes the others worse."""

    p50: float
    p99: float
    requests: int


def measure(client: Client, rows: Sequence[Row]) -> Latency:
    """Ask one row after the other, in rounds, and take the round with the lowest p99.

    A scorer that is too slow for that is asked for half a minute.
    Raises Unanswered where a row is refused.
    """
    bodies = [json.dumps(row).encode() for row in rows]
    until = time.monotonic() + _LONGEST_SECONDS
    _round(client, bodies, _WARM_UP, until=until)
    rounds = [_round(client, bodies, REQUESTS, until=until) for _ in range(ROUNDS)]
    best = min(rounds, key=lambda each: _quantile(each, 0.99))
    return Latency(_quantile(best, 0.5), _quantile(best, 0.99), len(best))


def _round(client: Client, bodies: Sequence[bytes], requests: int, *, until: float) -> list[float]:
    """Milliseconds of each request, sorted; one at least."""
    took: list[float] = []
    for number in range(requests):
        start = time.perf_counter()
        reply = client.post("/score", bodies[number % len(bodies)])
        took.append((time.perf_counter() - start) * 1e3)
        if reply.status != 200:
            raise Unanswered(f"{reply.status} {reply.body.decode(errors='replace')}")
        if time.monotonic() > until:
            break
    return sorted(took)


def _quantile(values: Sequence[float], share: float) -> float:
    return values[math.ceil(share * len(values)) - 1]
