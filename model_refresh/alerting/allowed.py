"""What may be contacted: a scheme of apprise, and the hosts that its messages may go to."""

import re
from dataclasses import dataclass

_ENTRY = re.compile(
    r"(?P<scheme>[a-z][a-z0-9]{0,31})://"
    r"(?P<host>\[[0-9a-f:]{2,45}\]|(\*\.)?[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63}){0,30})\.?"
    r"(:(?P<port>[0-9]{1,5}))?/?"
)

LOCAL = (
    "blink1", "dbus", "exec", "file", "gio", "glib", "gnome", "kde", "macosx", "qt", "syslog",
    "windows",
)  # fmt: skip
"""Schemes that reach this machine's own devices, files or programs and no host: never allowed."""


@dataclass(frozen=True)
class Allowed:
    """One entry of the allow-list; `host` may begin with `*.`, and None is any port."""

    scheme: str
    host: str
    port: int | None

    def admits(self, host: str, port: int | None) -> bool:
        """Whether this host may be contacted; port None: it is only being looked up."""
        met = host.lower().rstrip(".")
        if self.host.startswith("*."):
            named = met.endswith(self.host[1:]) and len(met) > len(self.host) - 1
        else:
            named = met == self.host
        return named and (port is None or self.port is None or port == self.port)


def parse_allowed(text: str) -> Allowed:
    """`slack://hooks.slack.com` as an entry; raises ValueError for what names no one host."""
    found = _ENTRY.fullmatch(text.lower())
    if found is None:
        raise ValueError(
            f"{text!r} is not accepted; accepted: scheme://host or scheme://host:port, such as "
            "slack://hooks.slack.com; a host may begin with *."
        )
    if found["scheme"] in LOCAL:
        raise ValueError(
            f"{found['scheme']}:// reaches this machine and no host: it is never allowed"
        )
    port = None if found["port"] is None else int(found["port"])
    if port is not None and not 0 < port < 65536:
        raise ValueError(f"port {port} is out of range; accepted: 1 to 65535")
    return Allowed(found["scheme"], found["host"].strip("[]"), port)
