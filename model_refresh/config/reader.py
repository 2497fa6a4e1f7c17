"""YAML to plain values, with the place of every key and value in the text.

A strict part of YAML 1.2, safe on hostile text (F33): one document, mappings with distinct text
keys, lists, text, numbers, true, false and null; no aliases, anchors, tags or directives.
"""

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import cast

from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent, DocumentStartEvent, Event, ScalarEvent
from ruamel.yaml.reader import ReaderError

from model_refresh.config.yaml_events import fast_events, strict_events

MAX_BYTES = 1 << 20
MAX_DEPTH = 50

Path = tuple[str | int, ...]
"""Where a value is: names of keys and numbers of list items, from the outside in."""

_NULL = re.compile(r"~|null|Null|NULL|")
_BOOLEAN = re.compile(r"true|True|TRUE|false|False|FALSE")
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}|0o[0-7]{1,18}|0x[0-9a-fA-F]{1,15}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, order=True)
class Place:
    """A line and a column, both from 1."""

    line: int
    column: int


@dataclass
class Document:
    """A text's value, where everything in it stands, and what is wrong with it."""

    value: object = None
    values: dict[Path, Place] = field(default_factory=dict)
    keys: dict[Path, Place] = field(default_factory=dict)
    problems: list[tuple[Place, str]] = field(default_factory=list)

    def place(self, path: Path, *, at_key: bool = False) -> Place:
        """Where the value or key at this path stands, or else what holds it."""
        for end in range(len(path), -1, -1):
            places = self.keys if at_key and end == len(path) else self.values
            if path[:end] in places:
                return places[path[:end]]
        return Place(1, 1)


def read_document(data: bytes) -> Document:
    """The document in the bytes of a file; whatever is wrong with it stands in `problems`.

    What libyaml reads without a problem is taken. All else is read again by the strict parser,
    which is thirty times slower, and whose word on it counts.
    """
    try:
        text = _decode(data)
    except _Refused as refusal:
        return Document(problems=[(refusal.place, refusal.message)])
    return _read_fast(text) or _read_strictly(text)


def _read_fast(text: str) -> Document | None:
    """The document, where nothing is wrong with it and libyaml can be trusted to say so."""
    document = Document()
    if (events := fast_events(text)) is None:
        return None
    try:
        _Builder(document).build(events)
    except (_Refused, ValueError):
        return None
    return document if isinstance(document.value, dict) and not document.problems else None


def _read_strictly(text: str) -> Document:
    document = Document()
    try:
        _Builder(document).build(_told(text))
    except _Refused as refusal:
        document.problems.append((refusal.place, refusal.message))
    return document


def _told(text: str) -> Iterator[Event]:
    """The strict parser's events; raises _Refused where there is no valid YAML."""
    try:
        yield from strict_events(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)
        raise _Refused(place, f"no valid YAML: {error.problem or error.context}") from None
    except ReaderError as error:
        place = _place_after(text[: error.position])
        raise _Refused(place, f"no valid YAML: character {error.character!r}") from None
    except (YAMLError, ValueError, TypeError, AttributeError, LookupError) as error:
        # ruamel's scanner trips over some malformed text instead of refusing it
        raise _Refused(Place(1, 1), f"no valid YAML: {type(error).__name__}") from None


class _Refused(Exception):
    def __init__(self, place: Place, message: str) -> None:
        super().__init__(message)
        self.place, self.message = place, message


def _decode(data: bytes) -> str:
    if len(data) > MAX_BYTES:
        raise _Refused(Place(1, 1), f"the file is larger than {MAX_BYTES} bytes")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8-sig", errors="replace")
        place = _place_after(before)
        raise _Refused(place, f"byte 0x{data[error.start]:02x} is not UTF-8") from None
    if "\0" in text:
        raise _Refused(_place_after(text[: text.index("\0")]), "a NUL character")
    return text


def _place_after(before: str) -> Place:
    return Place(before.count("\n") + 1, len(before) - before.rfind("\n"))


@dataclass
class _Open:
    """A mapping or list that has not ended; `key` is None where a mapping waits for one."""

    path: Path
    value: dict[str, object] | list[object]
    key: str | None = None


class _Builder:
    """Puts values together from ruamel's events, without recursion."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._open: list[_Open] = []
        self._documents = 0

    def build(self, events: Iterator[Event]) -> None:
        """Fill the document from a text's events; raises _Refused at the first fault of syntax."""
        for event in events:
            self._take(event)

    def _take(self, event: Event) -> None:
        kind = type(event).__name__  # both parsers' classes have these names
        if kind in ("StreamStartEvent", "StreamEndEvent", "DocumentEndEvent"):
            return
        if kind in ("MappingEndEvent", "SequenceEndEvent"):
            self._open.pop()
            return
        place = Place(event.start_mark.line + 1, event.start_mark.column + 1)
        _require_plain(kind, event, place)
        if kind == "DocumentStartEvent":
            self._documents += 1
            if self._documents > 1:
                raise _Refused(place, "a second document; one is accepted")
        elif kind == "ScalarEvent":
            self._scalar(cast(ScalarEvent, event), place)
        else:
            self._start({} if kind == "MappingStartEvent" else [], place)

    def _start(self, value: dict[str, object] | list[object], place: Place) -> None:
        if len(self._open) == MAX_DEPTH:
            raise _Refused(place, f"nested more than {MAX_DEPTH} deep")
        path = self._put(value, place)
        self._open.append(_Open(path, value))

    def _scalar(self, event: ScalarEvent, place: Place) -> None:
        if _SURROGATE.search(event.value):
            self._document.problems.append((place, "half a surrogate pair, which is no character"))
        around = self._open[-1] if self._open else None
        if around is not None and isinstance(around.value, dict) and around.key is None:
            self._key(around, event.value, place)
            return
        plain = event.style in (None, "")
        self._put(self._resolve(event.value, place) if plain else event.value, place)

    def _key(self, around: _Open, key: str, place: Place) -> None:
        path = (*around.path, key)
        if path in self._document.keys:
            first = self._document.keys[path]
            self._document.problems.append(
                (place, f"{key!r} is given twice; it was first given on line {first.line}")
            )
        around.key = key
        self._document.keys.setdefault(path, place)

    def _put(self, value: object, place: Place) -> Path:
        """Put a value where the next one belongs; its path."""
        path: Path = ()
        if not self._open:
            self._document.value = value
        else:
            around = self._open[-1]
            if isinstance(around.value, list):
                path = (*around.path, len(around.value))
                around.value.append(value)
            elif around.key is None:
                raise _Refused(place, "a key that is no text")
            else:
                path = (*around.path, around.key)
                around.value[around.key], around.key = value, None
        self._document.values[path] = place
        return path

    def _resolve(self, text: str, place: Place) -> object:
        """The value of plain text by YAML 1.2's core schema; dates stay text."""
        if _NOT_FINITE.fullmatch(text):
            self._document.problems.append((place, f"{text} is not accepted: give a finite number"))
            return None
        for pattern, convert in _KINDS:
            if pattern.fullmatch(text):
                return convert(text)
        return text


def _require_plain(kind: str, event: Event, place: Place) -> None:
    if kind == "AliasEvent":
        anchor = cast(AliasEvent, event).anchor
        raise _Refused(place, f"the alias *{anchor}; aliases are not accepted")
    if kind == "DocumentStartEvent":
        start = cast(DocumentStartEvent, event)
        if start.version or start.tags:
            raise _Refused(place, "a directive (%); none is accepted")
        return
    node = cast(ScalarEvent, event)
    if node.anchor is not None:
        raise _Refused(place, f"the anchor &{node.anchor}; anchors are not accepted")
    if node.tag is not None:
        raise _Refused(place, f"the tag {node.tag}; tags are not accepted")


def _float(text: str) -> float | str:
    number = float(text)
    return number if math.isfinite(number) else text


_KINDS: tuple[tuple[re.Pattern[str], Callable[[str], object]], ...] = (
    (_NULL, lambda text: None),
    (_BOOLEAN, lambda text: text[0] in "tT"),
    (_INTEGER, lambda text: int(text, 0 if text[:2] in ("0o", "0x") else 10)),
    (_FLOAT, _float),
)
