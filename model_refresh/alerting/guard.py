"""The sending process contacts what is allowed, and nothing else: whatever a library tries.

An audit hook sees every look-up of a name and every connection before they happen, redirects and
proxies among them, and can't be taken out again. It also refuses programs, other processes and
this machine's own sockets: services that reach those are no services to us.
"""

import socket
import sys
from collections.abc import Callable, Sequence
from typing import Any

from model_refresh.alerting.allowed import Allowed

_PROGRAMS = frozenset(
    {
        "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork",
        "os.forkpty", "pty.spawn", "ctypes.dlopen",
    }
)  # fmt: skip
_LOOK_UPS = frozenset({"socket.getaddrinfo", "socket.gethostbyname"})
_MEETINGS = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})


class Refused(ConnectionRefusedError):
    """What is not on the allow-list was not contacted."""


class Guard:
    """Armed once for the rest of the process; `only` says what may be contacted from then on."""

    def __init__(self) -> None:
        self.refused: str | None = None
        """The first host, program or socket that was refused, for people."""
        self._entries: tuple[Allowed, ...] = ()
        self._ports: dict[str, set[int | None]] = {}
        """Of each address that an allowed host was found at, that host's; None is any."""

    def arm(self) -> None:
        """From now on nothing is contacted but what is allowed; there is no way back."""
        self._look_up: Callable[..., list[tuple[Any, ...]]] = socket.getaddrinfo
        socket.getaddrinfo = self._resolved
        self._own = socket.gethostname()
        sys.addaudithook(self._audit)

    def only(self, entries: Sequence[Allowed]) -> None:
        """What may be contacted from now on."""
        self._entries = tuple(entries)

    def _resolved(self, *args: object, **kwargs: object) -> list[tuple[Any, ...]]:
        """A look-up whose answers may be connected to; one that isn't allowed raises before it."""
        found = self._look_up(*args, **kwargs)
        name = _name(args[0] if args else kwargs.get("host"))
        ports = {entry.port for entry in self._entries if entry.admits(name, None)}
        for each in found:
            self._ports.setdefault(str(each[4][0]), set()).update(ports)
        return list(found)

    def _audit(self, event: str, args: tuple[object, ...]) -> None:
        if event in _PROGRAMS:
            raise self._refusal(f"another program ({event})")
        if event in _LOOK_UPS:
            port = args[1] if len(args) > 1 else None
            if not self._is_own(args[0]):
                self._require(args[0], port if isinstance(port, int) else None)
        elif event in _MEETINGS and args[-1] is not None:  # None: where it is connected already
            self._meet(args[-1])

    def _is_own(self, host: object) -> bool:
        """Whether it is this machine's own name: mail is signed with it, so it may be looked up."""
        return host == self._own

    def _meet(self, address: object) -> None:
        if not isinstance(address, tuple) or len(address) < 2:
            raise self._refusal("a socket of this machine")
        host, port = str(address[0]), int(address[1])
        ports = self._ports.get(host, set())
        if None not in ports and port not in ports:
            self._require(host, port)

    def _require(self, host: object, port: int | None) -> None:
        name = _name(host)
        if not any(entry.admits(name, port) for entry in self._entries):
            raise self._refusal(name if port is None else f"{name}:{port}")

    def _refusal(self, what: str) -> Refused:
        self.refused = self.refused or what
        return Refused(f"{what} is not on the allow-list")


def _name(host: object) -> str:
    return host.decode(errors="replace") if isinstance(host, bytes) else str(host)
