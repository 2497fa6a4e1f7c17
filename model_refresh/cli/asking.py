"""Commands that only look: check, show, verify."""

import difflib
import json as jsonlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from model_refresh.cli.shared import (
    FLEET,
    HOME,
    FleetFolder,
    Home,
    Json,
    Name,
    Names,
    find_model,
    instant,
    plain,
    print_json,
    print_table,
    say,
    store_of,
)
from model_refresh.config.alerts import FILE as ALERTS_FILE
from model_refresh.config.alerts import AlertsReading, read_alerts
from model_refresh.config.demands import missing_libraries
from model_refresh.config.fleet import read_fleet
from model_refresh.config.model import Model
from model_refresh.config.queries import query_problems, query_warnings, read_queries_ahead
from model_refresh.config.routes import idle_routes
from model_refresh.config.show import resolved
from model_refresh.config.warnings import warnings
from model_refresh.errors import ConfigError, CorruptError, ModelRefreshError, NotStored
from model_refresh.refresh.power import power_warning
from model_refresh.refresh.probe import Probe, probe
from model_refresh.storage import Store
from model_refresh.storage.verify import verify as find_problems


def check(
    names: Names = None,
    data: Annotated[
        bool, typer.Option("--data", help="Also run the queries for one frame.")
    ] = False,
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", metavar="DATE", help="With --data: what has matured by then."),
    ] = None,
    json: Json = False,
    fleet: FleetFolder = FLEET,
    home: Home = HOME,
) -> None:
    """Find every error of every model, with file, line and column."""
    declared, problems = _read(fleet, names)
    alerts = AlertsReading() if names else read_alerts(fleet, environment=os.environ)
    said = [*alerts.spec.warnings, *(() if problems else idle_routes(alerts.spec, declared))]
    models, problems = _with_sound_queries(declared, [*problems, *alerts.problems])
    warned = {model.name: [*warnings(model), *query_warnings(model)] for model in models}
    if said:
        warned[ALERTS_FILE] = said
    problems += [line for model in models for line in missing_libraries(model)]
    probes: list[Probe] = []
    for model in models if data else []:
        try:
            probes.append(probe(model, instant(model, as_of)))
            warned[model.name] += filter(None, [power_warning(model, store_of(model, home))])
        except ModelRefreshError as error:
            problems.append(str(error))
    if json:
        shown = [plain(each) for each in probes]
        print_json({"problems": problems, "warnings": warned, "data": shown})
    else:
        told = [f"warning: {name}: {each}" for name, said in warned.items() for each in said]
        for line in [*told, *[each.sentence for each in probes]]:
            say(line)
    if problems:
        raise ConfigError(problems)
    if not json:
        say(_all_well(fleet, models))


def show(name: Name, json: Json = False, fleet: FleetFolder = FLEET) -> None:
    """Print the resolved model; what was not set is marked as a default."""
    settings = resolved(find_model(name, fleet))
    if json:
        print_json([plain(each) for each in settings])
        return
    rows = [
        {
            "field": each.path,
            "value": each.value if isinstance(each.value, str) else jsonlib.dumps(each.value),
            "": each.inherited or ("" if each.was_set else "default"),
        }
        for each in settings
    ]
    print_table(["field", "", "value"], rows)


def verify(names: Names = None, json: Json = False, home: Home = HOME) -> None:
    """Re-hash everything that is stored; name every file that is damaged."""
    store = Store(home)
    known = store.models()
    if unknown := [name for name in names or [] if name not in known]:
        raise NotStored(f"{home}: nothing is stored of {unknown[0]!r}{_meant(unknown[0], known)}")
    wanted = names or known
    problems = list(find_problems(store, wanted))
    if json:
        print_json({"models": wanted, "problems": problems})
    if problems:
        raise CorruptError("\n".join(problems))
    if not json:
        well = f"every byte of {', '.join(wanted)} matches its digest"
        say(f"{home}: {well if wanted else 'nothing is stored there'}")


def _read(fleet: Path, names: Sequence[str] | None) -> tuple[list[Model], list[str]]:
    """The models of these names, or of the whole fleet, and what is wrong with them."""
    if not names:
        return read_fleet(fleet, environment=os.environ)
    found = [read_fleet(fleet, environment=os.environ, only=name) for name in dict.fromkeys(names)]
    problems = dict.fromkeys(problem for _, problems in found for problem in problems)
    return [model for models, _ in found for model in models], list(problems)


def _with_sound_queries(models: list[Model], problems: list[str]) -> tuple[list[Model], list[str]]:
    """The models whose queries may run, and what is wrong with the others beside the problems."""
    read_queries_ahead(models)
    wrong = {model.name: query_problems(model) for model in models}
    sound = [model for model in models if not wrong[model.name]]
    told = dict.fromkeys(problem for found in wrong.values() for problem in found)
    return sound, [*problems, *told]


def _all_well(fleet: Path, models: Sequence[Model]) -> str:
    if not models:
        return f"{fleet}: no model is declared yet; a model is a folder with a model.yaml"
    many = "1 model is" if len(models) == 1 else f"{len(models)} models are"
    return f"{many} declared without an error"


def _meant(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    meant = f", did you mean {near[0]!r}?" if near else ""
    return f"{meant}; there are {', '.join(known) or 'none'}"
