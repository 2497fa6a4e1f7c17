"""Instants as names of folders, and the store's clock."""

import datetime as dt
from pathlib import Path


def utc_now() -> dt.datetime:
    """The clock that stores use unless they are given another."""
    return dt.datetime.now(dt.UTC)


def stamp(as_of: dt.datetime) -> str:
    """An instant as a folder's name: `1998-03-02`, below a day `1998-03-02T12:00`."""
    return as_of.strftime("%Y-%m-%d" if as_of.time() == dt.time() else "%Y-%m-%dT%H:%M")


def instant_of(name: str) -> dt.datetime | None:
    """The instant whose stamp this is; None for another name, such as `lost+found`."""
    try:
        instant = dt.datetime.fromisoformat(name).replace(tzinfo=dt.UTC)
    except ValueError:
        return None
    return instant if stamp(instant) == name else None


def instants_in(folder: Path) -> list[dt.datetime]:
    """The instants that folders in this one are named by, oldest first; other names are passed."""
    return [instant for name in names_in(folder) if (instant := instant_of(name)) is not None]


def names_in(folder: Path) -> list[str]:
    """What lies in a folder, sorted, but what is hidden; nothing where there is no such folder."""
    if not folder.is_dir():
        return []
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
