"""What takes long is done beside the loop: in one thread, and for so many requests at most."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from model_refresh.scorer.http.problems import Refused

Done = TypeVar("Done")


class Beside:
    """One thread and its places: whoever finds none is told to ask again, and waits for nothing.

    The work of a client that leaves is still done: HTTP/1.1 tells nobody of it before the answer.
    """

    def __init__(self, places: int) -> None:
        self._places = places
        self._thread = ThreadPoolExecutor(1, "beside")
        self._taken = 0

    @contextlib.contextmanager
    def place(self) -> Iterator[None]:
        """A place for a whole request; raises Refused, 503, where all are taken."""
        if self._taken >= self._places:
            told = f"busy: {self._places} requests that take long are waiting; ask again later"
            raise Refused(503, told, headers=(("Retry-After", "1"),))
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1

    async def done(self, work: Callable[[], Done]) -> Done:
        """What `work` returns, or raises."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)
