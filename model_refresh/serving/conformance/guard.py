"""Copied into a clean room under its NAME, which a `.pth` file has each Python there import as it
starts: it ends with its parent, and asks no network but this machine.

Not as `sitecustomize`: Debian's Python has a module of that name, which goes first. It
imports the standard library alone.
"""

import ctypes
import signal
import sys

NAME = "clean_room_guard"
_PR_SET_PDEATHSIG = 1
_ASKING = {"socket.connect", "socket.getaddrinfo", "socket.sendto"}
_HERE = ("127.", "::1", "localhost")


def refuse_network(event: str, arguments: tuple[object, ...]) -> None:
    """An audit hook: raises PermissionError for an address beyond this machine."""
    if event not in _ASKING:
        return
    place = arguments[0] if event == "socket.getaddrinfo" else arguments[1]
    host = place[0] if isinstance(place, tuple) else place
    is_here = host is None or isinstance(host, bytes) or str(host).startswith((*_HERE, "/"))
    if not is_here:
        raise PermissionError(f"no network here: {host}")


if __name__ == NAME:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    sys.addaudithook(refuse_network)
