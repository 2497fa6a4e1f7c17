"""Commands that only look: check, show, history, why, champion, verify."""

import datetime as dt
import os
from typing import Annotated

import typer

from model_refresh.cli.shared import (
    FLEET,
    HOME,
    FleetFolder,
    Home,
    Json,
    MaybeAsOf,
    Name,
    find_model,
    instant,
    newest_refresh,
    print_json,
    print_table,
    say,
    store_of,
)
from model_refresh.config.fleet import read_fleet
from model_refresh.config.show import resolved
from model_refresh.config.warnings import warnings
from model_refresh.errors import ConfigError, CorruptError, NotStored
from model_refresh.refresh.probe import probe
from model_refresh.refresh.resume import stored_comparison
from model_refresh.storage import ModelStore, Store
from model_refresh.storage.store import stamp
from model_refresh.storage.verify import verify as find_problems

Names = Annotated[list[str] | None, typer.Argument(help="Models; default: all.")]


def check(
    names: Names = None,
    data: Annotated[
        bool, typer.Option("--data", help="Also run the queries for one frame.")
    ] = False,
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="With --data: what has matured by then.")
    ] = None,
    json: Json = False,
    fleet: FleetFolder = FLEET,
) -> None:
    """Find every error of every model, with file, line and column."""
    models, problems = read_fleet(fleet, environment=os.environ)
    known = {model.name for model in models}
    wanted = [model for model in models if not names or model.name in names]
    problems += [
        f"{fleet}: no model named {name!r}; there are {sorted(known)}"
        for name in names or []
        if name not in known and not any(name in problem for problem in problems)
    ]
    probes = [probe(model, instant(model, as_of)) for model in wanted] if data else []
    if json:
        warned = {model.name: list(warnings(model)) for model in wanted}
        shown = [each.model_dump(mode="json") for each in probes]
        print_json({"problems": problems, "warnings": warned, "data": shown})
    else:
        for model in wanted:
            for warning in warnings(model):
                say(f"warning: {model.name}: {warning}")
        for each in probes:
            say(each.sentence)
    if problems:
        if json:
            raise typer.Exit(1)
        raise ConfigError(problems)
    if not json:
        say(f"{len(wanted)} models are declared without an error")


def show(name: Name, json: Json = False, fleet: FleetFolder = FLEET) -> None:
    """Print the resolved model; what was set is marked, the rest are defaults."""
    rows = [
        {"field": each.path, "value": each.value, "set": "set" if each.was_set else "default"}
        for each in resolved(find_model(name, fleet))
    ]
    if json:
        print_json(rows)
    else:
        print_table(["field", "value", "set"], rows)


def history(name: Name, json: Json = False, fleet: FleetFolder = FLEET, home: Home = HOME) -> None:
    """List refreshes, rollbacks and overrides: what was decided, and why."""
    model = find_model(name, fleet)
    store = store_of(model, home)
    rows = [_refresh_row(store, as_of) for as_of in store.refreshed()] + [
        {
            "as_of": stamp(line.record.as_of),
            "decision": line.record.kind,
            "sentence": f"{line.record.who}: {line.record.reason}",
            "champion": line.record.version,
        }
        for line in store.champion.lines()
        if line.record.kind != "promotion"
    ]
    rows.sort(key=lambda row: str(row["as_of"]))
    if json:
        print_json(rows)
    else:
        print_table(["as_of", "decision", "sentence", "champion"], rows)


def why(
    name: Name,
    as_of: MaybeAsOf = None,
    json: Json = False,
    fleet: FleetFolder = FLEET,
    home: Home = HOME,
) -> None:
    """Tell the verdict of a refresh, gate by gate."""
    model = find_model(name, fleet)
    store = store_of(model, home)
    when = model.cadence.parse(as_of) if as_of else newest_refresh(model, store)
    line = store.verdicts(when).last()
    if line is None:
        raise NotStored(_why_no_verdict(store, name, when))
    verdict = line.record
    comparison = stored_comparison(model, store, when)
    if json:
        print_json(
            {
                "verdict": verdict.model_dump(mode="json"),
                "comparison": comparison.model_dump(mode="json"),
            }
        )
        return
    say(f"{stamp(when)} {verdict.decision}: {verdict.sentence}\n")
    rows: list[dict[str, object]] = [
        {"gate": g.gate, "outcome": g.outcome, "sentence": g.sentence} for g in verdict.gates
    ]
    print_table(["gate", "outcome", "sentence"], rows)


def champion(
    name: Name,
    at: Annotated[str | None, typer.Option("--at", help="At this frame; default: now.")] = None,
    json: Json = False,
    fleet: FleetFolder = FLEET,
    home: Home = HOME,
) -> None:
    """Tell which version is, or was, in production, since when and by which verdict."""
    model = find_model(name, fleet)
    lines = store_of(model, home).champion.lines()
    if at is not None:
        lines = [line for line in lines if line.record.as_of <= model.cadence.parse(at)]
    entry = lines[-1].record if lines else None
    if json:
        print_json(entry and entry.model_dump(mode="json"))
    elif entry is None:
        say(f"{name} has no champion{f' at {at}' if at else ' yet'}")
    else:
        say(f"{entry.version} since {stamp(entry.as_of)} by {entry.kind} ({entry.who})")
        say(f"verdict {entry.verdict or 'none'}: {entry.reason}")


def verify(names: Names = None, json: Json = False, home: Home = HOME) -> None:
    """Re-hash everything that is stored; name every file that is damaged."""
    store = Store(home)
    problems = list(find_problems(store, names or store.models()))
    if json:
        print_json({"models": names or store.models(), "problems": problems})
        raise typer.Exit(1 if problems else 0)
    if problems:
        raise CorruptError("\n".join(problems))
    say(f"{len(names or store.models())} models: every byte matches its digest")


def _refresh_row(store: ModelStore, name: str) -> dict[str, object]:
    as_of = dt.datetime.fromisoformat(name).replace(tzinfo=dt.UTC)
    promotion, verdict = store.promotions(as_of).last(), store.verdicts(as_of).last()
    row: dict[str, object] = {"as_of": name, "decision": None, "sentence": "not finished"}
    if verdict is not None:
        row |= {"decision": verdict.record.decision, "sentence": verdict.record.sentence}
    if promotion is not None:
        record = promotion.record
        row |= {"decision": record.decision, "sentence": record.sentence}
        row["champion"] = record.champion
    comparison = store.comparisons(as_of).last()
    if comparison is not None:
        metrics = comparison.record.metrics
        row["metrics"] = {key: value.challenger for key, value in metrics.items()}
        row["challenger"] = comparison.record.trial
    return row


def _why_no_verdict(store: ModelStore, name: str, as_of: dt.datetime) -> str:
    if stamp(as_of) not in store.refreshed():
        return f"{name} was not refreshed at {stamp(as_of)}; it was at {store.refreshed()}"
    steps = ["dataset", "comparison"]
    logs = [store.datasets(as_of).last(), store.comparisons(as_of).last()]
    reached = [step for step, line in zip(steps, logs, strict=True) if line is not None]
    return f"the refresh of {stamp(as_of)} ended before a verdict, after: {reached or 'nothing'}"
