"""Waiting for what other processes do, no longer than needed."""

import time
from collections.abc import Callable


def wait_until(is_so: Callable[[], bool], seconds: float = 10.0) -> None:
    """Return as soon as it is so; fail where it is not within `seconds`."""
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.01)
