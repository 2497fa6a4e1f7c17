"""What befalls the fleet in the month, and when: each event is a deed on the real machine."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from calm import Watcher
from host import Host
from world import World

from fleet import BROKEN, HELD, LATE, UNDONE
from model_refresh.storage import Store

MONTH = [dt.date(1998, 3, day) for day in range(1, 32)]
CRASH = dt.date(1998, 3, 16)
DOWN, UP = dt.date(1998, 3, 20), dt.date(1998, 3, 24)
"""From the evening of the first to the morning of the second nothing runs."""


@dataclass(frozen=True)
class Stage:
    """All that an event can act on."""

    host: Host
    world: World
    watcher: Watcher


Deed = Callable[[Stage], None]


def at(day: int, hour: int, minute: int = 0) -> dt.datetime:
    """An instant of the month."""
    return dt.datetime(1998, 3, day, hour, minute, tzinfo=dt.UTC)


def feed_is_late(stage: Stage) -> None:
    """A feed brings nothing for a day."""
    stage.world.late.add(LATE)


def feed_arrives(stage: Stage) -> None:
    """The late feed brings what it has."""
    stage.world.late.discard(LATE)


def column_is_renamed(stage: Stage) -> None:
    """Somebody upstream renames a column that the features query reads."""
    stage.world.broken.add(BROKEN)


def column_is_back(stage: Stage) -> None:
    """It is called as before."""
    stage.world.broken.discard(BROKEN)


def bad_champion(stage: Stage) -> None:
    """A person forces a version into production that knows nothing: the constant."""
    model = Store(stage.host.home).model(UNDONE)
    newest = model.refreshed()[-1]
    constant = model.candidates(newest, "constant").last()
    if constant is None or constant.record.version is None:
        raise RuntimeError(f"{UNDONE} was not refreshed by {newest}")
    require(
        stage.host.command(
            "promote", UNDONE, constant.record.version, "--force", "--reason", "calmer scores"
        ).returncode == 0,
        "the override was refused",
    )  # fmt: skip


def hold(stage: Stage) -> None:
    """A person holds a model."""
    _order(stage, "hold", "the shop moves house")


def release(stage: Stage) -> None:
    """And releases it."""
    _order(stage, "release", "it has moved")


def machine_dies(stage: Stage) -> None:
    """In the middle of the Monday's refreshes every process is killed, and started again later."""
    stage.watcher.wait_for_started(2)
    stage.host.crash()
    stage.host.start()


def machine_stops(stage: Stage) -> None:
    """The machine is switched off for the week-end, and forgotten on Monday."""
    stage.host.stop()


def machine_starts(stage: Stage) -> None:
    """It is switched on again."""
    stage.host.start()


def watchdog_barks(stage: Stage) -> None:
    """A timer elsewhere finds that nothing ran on Monday."""
    done = stage.host.command("watchdog")
    require(done.returncode == 1, f"the watchdog found nothing overdue: {done.stdout}")


EVENTS: dict[dt.datetime, Deed] = {
    at(9, 0): feed_is_late,
    at(9, 0, 1): column_is_renamed,
    at(10, 6): feed_arrives,
    at(10, 9): bad_champion,
    at(11, 6): column_is_back,
    at(12, 9): hold,
    at(16, 6, 1): machine_dies,
    at(18, 9): release,
    at(20, 18): machine_stops,
    at(23, 12): watchdog_barks,
    at(24, 8): machine_starts,
}
"""In order; an event before 06:00 comes before the day's data."""


def _order(stage: Stage, kind: str, reason: str) -> None:
    done = stage.host.command(kind, HELD, "--reason", reason)
    require(done.returncode == 0, f"the order was refused: {done.stderr}")


def require(is_so: bool, otherwise: str) -> None:
    """Stop the month where the world itself went wrong."""
    if not is_so:
        raise RuntimeError(otherwise)
