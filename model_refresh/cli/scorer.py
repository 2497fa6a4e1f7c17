"""The command `scorer`: the generated folder of a version, exactly as it was tested."""

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
    find_model,
    print_json,
    say,
    store_of,
)
from model_refresh.config.model import Model
from model_refresh.errors import NotStored
from model_refresh.pipeline.realtime import is_realtime, make_scorer
from model_refresh.records import Conformance, Scorer
from model_refresh.serving.stored import newest_conformance, newest_scorer
from model_refresh.storage import ModelStore


def scorer(
    name: Name,
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="A folder that is empty, or not there yet.")
    ],
    version: Annotated[
        str | None,
        typer.Option("--version", metavar="VERSION", help="16 hex digits; default: the champion."),
    ] = None,
    untested: Annotated[
        bool, typer.Option("--untested", help="Also one whose tests failed, to see why.")
    ] = False,
    json: Json = False,
    fleet: FleetFolder = FLEET,
    home: Home = HOME,
) -> None:
    """Unpack the generated scorer of the champion: code, data, tests, and how to run them."""
    from model_refresh.serving.folder.archive import write_new  # they need the extra `realtime`
    from model_refresh.serving.scorers import read_files

    model = find_model(name, fleet)
    store = store_of(model, home)
    found = _stored(model, store, version or _champion(store))
    tested = newest_conformance(store, found)
    if not untested and (tested is None or not tested.passes):
        raise NotStored(f"{name}, version {found.version}: {_untested(tested)}")
    files = read_files(store, found)
    write_new(files, out)
    if json:
        passed = tested is not None and tested.passes
        about = {"version": found.version, "digest": found.artifact, "content": found.content}
        print_json({"path": str(out), **about, "passed": passed, "files": sorted(files)})
        return
    say(f"version {found.version} in {out}: {len(files)} files, README.md tells of them")
    say(f"  {tested.sentence if tested is not None else 'it was not tested'}")
    if _was_never_champion(store, found.version):
        say(f"  it was never champion: model-refresh why {name} tells what kept it back")
    say(f"  go there: cd {out}")
    say("  test it:  python -m pip install -r requirements-test.txt && python -m pytest")
    say("  run it:   python -m scorer")


def _champion(store: ModelStore) -> str:
    newest = store.champion.last()
    if newest is None:
        raise NotStored(f"{store.name} has no champion yet: model-refresh refresh {store.name}")
    return newest.record.version


def _stored(model: Model, store: ModelStore, version: str) -> Scorer:
    """The version's scorer; one that was promoted without is given one, tested as any other."""
    found = newest_scorer(store, version)
    if found is None and is_realtime(model):
        found = make_scorer(model, store, version)
    if found is None:
        raise NotStored(
            f"{store.name}: no scorer of version {version} is stored; declare deploy: [batch, "
            "realtime], and it is made of any version that a refresh has refitted"
        )
    return found


def _was_never_champion(store: ModelStore, version: str | None) -> bool:
    return all(line.record.version != version for line in store.champion.lines())


def _untested(tested: Conformance | None) -> str:
    if tested is None:
        return "its scorer was not tested: run the refresh again, or add --untested"
    return f"{tested.sentence}; add --untested to look at it"
