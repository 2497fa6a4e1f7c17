"""What was told already, from the log of messages: a restart neither loses nor repeats any."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Mapping

from model_refresh.alerting.digest import LONGEST
from model_refresh.alerting.due import REPEAT, History
from model_refresh.records import SentAlert
from model_refresh.storage import Line
from model_refresh.storage.log import Log

_BACK = LONGEST + 2 * REPEAT
"""What is open is told again each day, or with the next digest where that is later, so older
messages tell of nothing that is still open."""


def histories(log: Log[SentAlert]) -> Mapping[str, History]:
    """What each address was told; one that never was is a new history."""
    found: dict[str, History] = defaultdict(History)
    for line in reversed(list(recent(log))):
        if line.record.kind == "alerts":
            _take(found[line.record.route], line)
    return found


def recent(log: Log[SentAlert]) -> Iterator[Line[SentAlert]]:
    """The messages of the last days before the newest one, newest first."""
    newest: dt.datetime | None = None
    for line in log.backwards():
        newest = newest or line.recorded_at
        if newest - line.recorded_at > _BACK:
            return
        yield line


def _take(history: History, line: Line[SentAlert]) -> None:
    sent = line.record
    if not sent.delivered:
        history.failures += 1
        history.failed_at, history.passing = line.recorded_at, sent.passing
        return
    history.failures, history.failed_at = 0, None
    history.delivered.append(line.recorded_at)
    history.told.update(dict.fromkeys(sent.told, line.recorded_at))
    for key in sent.resolved:
        history.told.pop(key, None)
