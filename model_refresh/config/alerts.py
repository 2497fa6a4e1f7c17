"""`alerts.yaml` in the fleet's folder: who is told what, or everything that is wrong with it."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from urllib.parse import parse_qsl, urlsplit

from pydantic import ValidationError

from model_refresh.alerting.allowed import LOCAL
from model_refresh.alerting.declared import VARIABLE, AlertsSpec
from model_refresh.config import reader
from model_refresh.config.environment import Filling
from model_refresh.config.files import read_bytes
from model_refresh.config.messages import Problem, dotted, problems_of, shown
from model_refresh.config.reader import Path
from model_refresh.config.schema import alerts_declaration

FILE = "alerts.yaml"

_WEB = ("http", "https")
_HOSTED = ("form", "forms", "json", "jsons", "mailto", "mailtos", "xml", "xmls", *_WEB)
"""Schemes whose address has a host where others have a token."""
_PLAIN = frozenset({"from", "to", "cc", "bcc", "name", "smtp", "mode", "format", "method"})
"""What may stand in an address's query as it is."""
_ONE = re.compile(r"\$\{[^}]{0,64}\}")
_SCHEME = re.compile(r"([a-z][a-z0-9]{0,31})://", re.IGNORECASE)


@dataclass(frozen=True)
class AlertsReading:
    """What is declared, and one line a problem: `file:line:column message`.

    Without the file, or where it can't be understood, nobody is told anything: alerts are logged
    and shown on the fleet's page. What only the environment lacks leaves the declaration whole.
    """

    spec: AlertsSpec = field(default_factory=AlertsSpec)
    problems: tuple[str, ...] = ()
    is_lost: bool = False
    """Whether nobody is told anything until it is mended."""

    @property
    def told(self) -> tuple[str, ...]:
        """The problems, with what they come to where that is the worst."""
        if not self.is_lost:
            return self.problems
        return tuple(
            f"{each}; until this is mended nobody is told of any alert" for each in self.problems
        )


def read_alerts(fleet: FilePath, *, environment: Mapping[str, str]) -> AlertsReading:
    """Read the fleet's alerts.yaml; all of its problems at once, in the order of the file."""
    path = fleet / FILE
    if not (path.is_symlink() or path.exists()):
        return AlertsReading()
    try:
        document = reader.read_document(read_bytes(path, below=fleet))
    except ValueError as error:
        return AlertsReading(problems=(f"{path}:1:1 {error}",), is_lost=True)
    spec, problems = None, list(document.problems)
    if not problems:
        spec, found = _resolved(document.value)
        if spec is not None and not found:
            lacking = _lacking(spec, document.value, environment)
        else:
            spec, lacking = None, iter(())
        problems = [
            (document.place(p.path, at_key=p.at_key), p.message) for p in [*found, *lacking]
        ]
    told = tuple(f"{path}:{at.line}:{at.column} {says}" for at, says in sorted(problems))
    return AlertsReading(spec or AlertsSpec(), told, is_lost=spec is None)


def _resolved(value: object) -> tuple[AlertsSpec | None, list[Problem]]:
    """The declaration, and what is wrong with it by itself."""
    if value is None:
        return AlertsSpec(), []
    if not isinstance(value, dict):
        return None, [Problem((), f"{FILE} is {shown(value)}; a mapping is needed")]
    exposed = [each for path, url in _written(value) for each in _exposed(url, path)]
    try:
        spec = AlertsSpec.model_validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        hidden = {each.path for each in exposed}
        problems = problems_of(error, value, alerts_declaration())
        return None, [*exposed, *(each for each in problems if each.path not in hidden)]
    return spec, [*exposed, *_repeated(spec)]


def _written(value: Mapping[str, object]) -> Iterator[tuple[Path, str]]:
    """Every address as it is written, and where."""
    if isinstance(heartbeat := value.get("heartbeat"), str):
        yield ("heartbeat",), heartbeat
    routes = value.get("routes")
    for number, route in enumerate(routes if isinstance(routes, list) else []):
        urls = route.get("urls") if isinstance(route, dict) else None
        if isinstance(urls, str):
            yield ("routes", number, "urls"), urls
        for place, url in enumerate(urls if isinstance(urls, list) else []):
            if isinstance(url, str):
                yield ("routes", number, "urls", place), url


def _exposed(url: str, path: Path) -> Iterator[Problem]:
    """An address that is written out and may hold a password or a token; it is not shown."""
    if not url or VARIABLE.fullmatch(url):
        return
    bare = VARIABLE.sub("", url)
    if _ONE.fullmatch(url):
        return  # it is said where variables are filled in that this is none
    try:
        parts = urlsplit(bare)
        literal = parts.netloc.rpartition("@")[0].strip(":")
    except ValueError:
        yield _hide(path)
        return
    to_people = parts.scheme.startswith("mailto")
    queried = [key for key, given in parse_qsl(parts.query) if given and key not in _PLAIN]
    secret_path = parts.path.strip("/") and not to_people
    if parts.scheme not in _HOSTED or literal or secret_path or queried or parts.fragment:
        yield _hide(path)


def _hide(path: Path) -> Problem:
    return Problem(
        path,
        f"{dotted(path)} is written out and may hold a token or a password: put the address into "
        f"the environment and write ${{NAME}} here; only {', '.join(_HOSTED)} without user, path "
        "and query may be written out",
    )


def _repeated(spec: AlertsSpec) -> Iterator[Problem]:
    names = [route.name for route in spec.routes]
    for number, name in enumerate(names):
        if name in names[:number]:
            path = ("routes", number, "name")
            yield Problem(path, f"{dotted(path)} is {name!r}, which an earlier route is called")


def _lacking(spec: AlertsSpec, value: object, environment: Mapping[str, str]) -> Iterator[Problem]:
    """What the environment doesn't have, and what would be refused when it is sent."""
    schemes = {entry.scheme for entry in spec.allowed}
    for path, written in _written(value if isinstance(value, dict) else {}):
        filling = Filling(environment)
        filled = str(filling.fill(written, path))
        yield from filling.problems
        if filling.problems:
            continue
        found = _SCHEME.match(filled)
        scheme = found[1].lower() if found else ""
        if not scheme:
            yield Problem(path, f"{dotted(path)} is no address: it begins with no scheme://")
        elif path == ("heartbeat",) and scheme not in _WEB:
            yield Problem(path, f"heartbeat is a {scheme}:// address; accepted: https://, http://")
        elif scheme in LOCAL:
            yield Problem(path, f"{dotted(path)}: {scheme}:// reaches this machine and no host")
        elif scheme not in schemes and (scheme not in _WEB or path == ("heartbeat",)):
            yield Problem(path, f"{dotted(path)}: {_not_allowed(scheme, written)}")


def _not_allowed(scheme: str, written: str) -> str:
    """What to write: the host where it is written out, and how to learn it where it isn't."""
    host = "" if VARIABLE.search(written) else urlsplit(written).netloc
    ask = "" if host else " (`model-refresh alerts --test ROUTE` names the host)"
    return f"{scheme}:// is not allowed: add {scheme}://{host or 'HOST'} to allow{ask}"
