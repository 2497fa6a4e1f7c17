"""A month of twenty models, unattended: `make month`.

The real daemon runs by a wall clock that this script moves from one moment to the next; it touches
nothing else than the data, and what befalls the machine (see story.py). It ends with the fleet page
and a list of what happened and why, and fails where something did not go as it should.
"""

import datetime as dt
import shutil
import sys
import time
from pathlib import Path

from calm import Watcher
from clock import MovedClock
from dagster import DagsterInstance
from host import ROOT, Host
from postbox import Postbox
from rich.console import Console
from story import DOWN, EVENTS, MONTH, UP, Stage, at
from telling import show_month, unmet

from fleet import make_fleet
from model_refresh.config.fleet import load_fleet

console = Console(highlight=False, width=None if sys.stdout.isatty() else 160)


def main() -> None:
    """Live the month and tell of it."""
    folder = ROOT / ".month"
    Host(folder, MovedClock.at(folder)).crash()  # what a month that was killed left running
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "dagster").mkdir(parents=True)
    shutil.copy(ROOT / "dagster.yaml", folder / "dagster")
    clock, begun = MovedClock.build(folder), time.monotonic()
    clock.set(at(1, 0, 5))
    world = make_fleet(folder / "fleet")
    with Postbox(folder / "fleet") as postbox:
        host = Host(folder, clock, extra=postbox.environment)
        with DagsterInstance.from_config(str(host.dagster)) as instance:
            world.live(MONTH[0])
            models = load_fleet(host.fleet, environment=host.environment)
            stage = Stage(host, world, Watcher(instance, clock, models, begun=at(1, 0, 5)))
            host.start()
            try:
                for moment in moments():
                    live_until(stage, moment)
            finally:
                host.stop()
        show_month(console, host.home, postbox, page=write_page(host))
        console.print(f"lived in {(time.monotonic() - begun) / 60:.0f} minutes")
        if failures := unmet(host.home, postbox):
            sys.exit("\n".join(failures))


def moments() -> list[dt.datetime]:
    """When the clock is set: each morning, on Mondays at midnight too, and at each event."""
    mornings = [at(day.day, 6, 2) for day in MONTH]
    mondays = [at(day.day, 0, 5) for day in MONTH if day.isoweekday() == 1]
    return sorted({*mornings, *mondays, *EVENTS})


def live_until(stage: Stage, moment: dt.datetime) -> None:
    """Move the clock to a moment, let data arrive and the event happen, and wait until all is calm.

    While the machine is off only data arrives.
    """
    stage.host.clock.set(max(moment, stage.host.clock.now()))
    stage.world.live(moment.date())
    with console.status(f"{moment:%A %Y-%m-%d %H:%M}"):
        if deed := EVENTS.get(moment):
            console.print(f"{moment:%a %Y-%m-%d %H:%M}  {deed.__doc__}")
            deed(stage)
            stage.world.live(moment.date())
        if not at(DOWN.day, 18) <= moment < at(UP.day, 8):
            stage.watcher.settle()


def write_page(host: Host) -> Path:
    """The fleet page, as the command writes it."""
    page = host.folder / "fleet.html"
    done = host.command("overview", "--out", str(page))
    if done.returncode:
        sys.exit(f"no fleet page: {done.stderr}")
    return page


if __name__ == "__main__":
    main()
