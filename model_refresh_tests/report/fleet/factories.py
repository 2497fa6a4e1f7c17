"""Rows of a fleet: `make_row(state="failed")`, and fleets of any size that look like real ones."""

import datetime as dt

import numpy as np

from model_refresh.monitoring.urgency import NEEDS_PERSON, by_urgency
from model_refresh.records import FleetPoint, FleetRow, FleetState

NOW = dt.datetime(2026, 11, 26, 12, 10, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
WEEK = 7 * DAY
EVIL = "</script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\"> & 'q' \"d\""

_SAYS: dict[FleetState, str] = {
    "unreadable": "fleet/m/model.yaml:7:3 frame.every: '6d' is not accepted; accepted: 1h, 2h, 1d, 7d, 1mo",
    "failed": "the refresh of 2026-11-23 stopped before a verdict: run it again",
    "rejected": "labels of 2026-11-16: label mean 0.03301 against 0.07692 in the last 4 frames: more than checks.label_level_factor 2 allows",
    "decayed": "log loss 0.2519 against the promised 0.2284: worse by 0.0235 (at least 0.0104 at 95% confidence) on 2,357 rows",
    "waiting": "version 1f2e3d4c5b6a7980 of 2026-11-23 passed everything and waits for approval",
    "overdue": "the champion counts from 2026-08-03: 115 d old, more than champion.max_age 56 d",
    "late": "the refresh of 2026-11-23 should have begun at 06:00 and did not",
    "held": "held by ann until 2026-12-01: the source is being migrated",
    "drifted": "drift: spend: psi 0.41 above 0.20; weighted psi 0.19 above 0.10: a refresh is on its way",
    "new": "never refreshed: the first refresh is possible on 2026-12-07",
    "fresh": "promoted 2026-11-23, scored, as promised",
}
_SENTENCES = {
    "promote": "log loss 0.22830 against the incumbent's 0.22840: better by 0.00010 (at least -0.00028 at 95% confidence), within the margin of 0.00282",
    "retain": "non_inferior: log loss 0.23310 against the incumbent's 0.22840: worse by 0.00470 (at most 0.00810), beyond the margin of 0.00282",
}  # fmt: skip
_FATES: tuple[FleetState, ...] = ("fresh",) * 80 + (
    "drifted", "drifted", "drifted", "new", "new", "held", "held", "overdue", "overdue", "late",
    "waiting", "waiting", "decayed", "decayed", "rejected", "rejected", "failed", "unreadable",
)  # fmt: skip


def make_row(**changes: object) -> FleetRow:
    """A fresh model with a champion of Monday, graded ten times; `changes` replace fields."""
    state = changes.get("state", "fresh")
    usual: dict[str, object] = {
        "name": "churn",
        "owners": ("team:crm",),
        "state": state,
        "needs_person": state in NEEDS_PERSON,
        "sentence": _SAYS[state],  # type: ignore[index]
        "command": f"model-refresh why {changes.get('name', 'churn')}",
        "champion": "1f2e3d4c5b6a7980",
        "champion_as_of": NOW - 3.5 * DAY,
        "age": 3.5 * 86_400,
        "max_age": 56 * 86_400.0,
        "refreshed": dt.datetime(2026, 11, 23, tzinfo=dt.UTC),
        "decision": "promote",
        "decision_sentence": _SENTENCES["promote"],
        "reason": "schedule",
        "metric": "log loss",
        "performance": make_points(10),
        "shortfall": 0.0012,
        "performance_sentence": "2357 rows graded: as promised",
        "drift": 0.034,
        "drift_as_of": dt.datetime(2026, 11, 23, tzinfo=dt.UTC),
        "drift_sentence": "no drift: 31 measures within their limits",
        "next_run": dt.datetime(2026, 11, 30, 6, tzinfo=dt.UTC),
        "seconds": 31.0,
        "cpu_seconds": 52.0,
        "week_cpu_seconds": 52.0,
        "report": "churn/reports/2026-11-23/0123456789abcdef/report.html",
    }
    return FleetRow.model_validate(usual | changes)


def make_points(count: int, *, seed: int = 0, worse: float = 0.0) -> tuple[FleetPoint, ...]:
    """Weekly points around what was promised; the last third is worse by `worse`."""
    rng = np.random.default_rng(seed)
    promised = round(float(rng.uniform(0.2, 0.6)), 4)
    points = []
    for i in range(count):
        off = float(rng.normal(0, 0.006)) + (worse if i >= 2 * count / 3 else 0.0)
        when = NOW - (count - i) * WEEK
        points.append(FleetPoint(as_of=when, realised=promised + off, promised=promised))
    return tuple(points)


def make_fleet(count: int, *, seed: int = 0) -> list[FleetRow]:
    """So many rows by urgency: mostly fresh, of eight teams, each state now and then."""
    rng = np.random.default_rng(seed)
    kinds = ("churn", "repurchase", "spend", "late_arrival", "fraud", "lead_score", "demand")
    return by_urgency([_row(rng, f"{kinds[i % len(kinds)]}_{i:04d}") for i in range(count)])


def _row(rng: np.random.Generator, name: str) -> FleetRow:
    state = _FATES[int(rng.integers(len(_FATES)))]
    owners = (f"team:{rng.choice(['crm', 'risk', 'pricing', 'ops', 'web', 'growth'])}",)
    if state == "unreadable":
        return FleetRow(
            name=name, state=state, needs_person=True, sentence=_SAYS[state],
            command="model-refresh check",
        )  # fmt: skip
    if state == "new":
        return FleetRow(
            name=name, owners=owners, state=state, needs_person=False, sentence=_SAYS[state],
            next_run=NOW + 11 * DAY, command=f"model-refresh plan {name}",
        )  # fmt: skip
    age = 115 * 86_400.0 if state == "overdue" else float(rng.uniform(1, 50)) * 86_400
    decision = {"rejected": "reject", "waiting": "wait", "failed": None}.get(
        state, str(rng.choice(["promote", "retain"]))
    )
    cpu = float(rng.lognormal(4, 1))
    points = make_points(
        12, seed=int(rng.integers(2**31)), worse=0.03 if state == "decayed" else 0.0
    )
    worse = points[-1].realised - (points[-1].promised or 0.0)
    says = {"decayed": _worse(points[-1].realised, worse)}.get(state, _SAYS[state])
    return make_row(
        name=name,
        owners=owners if rng.random() > 0.05 else (),
        state=state,
        champion=f"{rng.integers(2**63):016x}",
        champion_as_of=NOW - dt.timedelta(seconds=age),
        age=age,
        decision=decision,
        decision_sentence=_SAYS[state]
        if decision in (None, "reject", "wait")
        else _SENTENCES[decision],
        reason=str(rng.choice(["schedule", "new_data", "drift", "demand"])),
        sentence=says,
        performance=points,
        shortfall=worse,
        performance_sentence=says if state == "decayed" else "",
        drift=0.19 if state == "drifted" else float(rng.uniform(0.005, 0.09)),
        drift_sentence=_SAYS["drifted"] if state == "drifted" else "no drift",
        next_run=None if state == "held" else NOW + float(rng.uniform(0.05, 7)) * DAY,
        next_sentence="held" if state == "held" else "",
        cpu_seconds=cpu,
        week_cpu_seconds=cpu * int(rng.integers(1, 3)),
        report=f"{name}/reports/2026-11-23/{rng.integers(2**63):016x}/report.html",
    )


def _worse(realised: float, by: float) -> str:
    return (
        f"log loss {realised:.4f} against the promised {realised - by:.4f}: worse by {by:.4f} "
        f"(at least {by / 2:.4f} at 95% confidence)"
    )
