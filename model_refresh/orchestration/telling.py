"""Progress in a run's log: at most a line in five seconds, or the log drowns the run's events."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from model_refresh.progress import Tell, Throttled, sentence


@contextmanager
def telling_progress(
    write: Callable[[str], None], *, clock: Callable[[], float] = time.monotonic
) -> Iterator[Tell]:
    """What writes progress to a run's log by `write`, which is `context.log.info`.

    The last figures are left out where a line was written less than five seconds before: the
    materialization that follows has them too.
    """
    throttled = Throttled(lambda progress: write(sentence(progress)), clock=clock)
    yield throttled
    throttled.catch_up()
