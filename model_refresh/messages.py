"""What a child process tells its parent while it works: lines of text through a pipe.

Some may be lost, none of them delays or ends the child. The parent holds one pipe of them and one
line at most, whatever a child writes.
"""

import contextlib
import os
import select
from collections.abc import Callable, Iterator

_PIPE_BYTES = 1 << 20


def tell_parent(text: str) -> None:
    """Say one line to the parent that listens; in a process that has none this does nothing.

    It never waits and never fails: a line is lost where the pipe is full, where nobody is left to
    read, and where it has a line break or takes more than PIPE_BUF (4096) bytes of UTF-8.
    """
    line = text.encode(errors="replace") + b"\n"
    if _voice.pipe is None or line.count(b"\n") > 1 or len(line) > select.PIPE_BUF:
        return
    with contextlib.suppress(OSError):
        os.write(_voice.pipe, line)


def speak_through(pipe: int) -> None:
    """From now on `tell_parent` writes to this descriptor; what this process starts can't."""
    os.set_inheritable(pipe, False)
    _voice.pipe = pipe


@contextlib.contextmanager
def open_mailbox() -> Iterator["Mailbox"]:
    """The parent's side of what one child says.

    Both ends are closed on return. While the parent holds both, reading never comes to an end.
    """
    reading, writing = os.pipe()
    try:
        os.set_blocking(reading, False)
        os.set_blocking(writing, False)
        yield Mailbox(reading, writing)
    finally:
        os.close(reading)
        os.close(writing)


class Mailbox:
    """Lines of a child, waiting to be heard; `writing` is the descriptor to hand over.

    A write of at most PIPE_BUF bytes is whole or not at all, so a line that is longer was not said
    by `tell_parent`: it is dropped.
    """

    def __init__(self, reading: int, writing: int) -> None:
        self.writing = writing
        self._reading = reading
        self._torn = b""

    def empty(self, hear: Callable[[str], None]) -> None:
        """Call `hear` with each line that has come; keep what there is of one that hasn't ended."""
        try:
            chunk = os.read(self._reading, _PIPE_BYTES)
        except BlockingIOError:
            return
        *lines, torn = (self._torn + chunk).split(b"\n")
        self._torn = torn[: select.PIPE_BUF]
        for line in lines:
            if len(line) < select.PIPE_BUF:
                hear(line.decode(errors="replace"))


class _Voice:
    """The pipe to the parent; None in a process that was not told of one."""

    pipe: int | None = None


_voice = _Voice()
