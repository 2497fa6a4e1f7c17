"""When the messages that were held together are due."""

import datetime as dt
import re

DIGEST = r"^([1-9][0-9]{0,3}[mh]|daily at ([01][0-9]|2[0-3]):[0-5][0-9])$"
LONGEST = dt.timedelta(days=2)
"""So much longer would have to be remembered what was told."""
_UNITS = {"m": dt.timedelta(minutes=1), "h": dt.timedelta(hours=1)}
_DAY = dt.timedelta(days=1)


def is_digest(text: str) -> bool:
    """Whether this says when: `15m`, `1h` up to `48h`, `daily at 08:00`."""
    if re.fullmatch(DIGEST, text) is None:
        return False
    return text.startswith("daily") or _length(text) <= LONGEST


def is_due(digest: str, now: dt.datetime, *, last: dt.datetime | None, began: dt.datetime) -> bool:
    """Whether a message may go now that others may have gone at `last`; None: none ever did.

    `began` is when the oldest news was first seen: what came up after the day's hour waits for the
    next day's.
    """
    if not digest.startswith("daily"):
        return last is None or now - last >= _length(digest)
    hour, minute = digest.removeprefix("daily at ").split(":")
    reached = now.replace(hour=int(hour), minute=int(minute), second=0, microsecond=0)
    if reached > now:
        reached -= _DAY
    return (last is None or last < reached) and began <= reached


def _length(digest: str) -> dt.timedelta:
    return int(digest[:-1]) * _UNITS[digest[-1]]
