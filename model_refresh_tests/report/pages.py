"""A page as a browser would read it: its elements, its addresses, and what is wrong with them."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = {"meta", "link", "img", "br", "hr", "input"}
_NAMESPACES = {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
_ADDRESS = re.compile(r"(?:https?:)?//[^\s\"'<>)]+")


@dataclass
class Read(HTMLParser):
    """Every element in order, its text, and every problem of nesting."""

    elements: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open[-1] != tag:
            self.problems.append(f"</{tag}> closes {self.open[-1:]} at {self.getpos()}")
        else:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    @property
    def ids(self) -> list[str]:
        return [str(attrs["id"]) for _, attrs in self.elements if "id" in attrs]

    @property
    def headings(self) -> list[str]:
        titles = [attrs["id"] for tag, attrs in self.elements if tag == "section" and "id" in attrs]
        return [str(each) for each in titles]


def read_page(page: str) -> Read:
    """The page, parsed; raises AssertionError where it isn't whole, offline and without script."""
    read = Read()
    read.feed(page)
    read.close()
    assert not read.problems, read.problems
    assert not read.open, read.open
    assert page.startswith("<!DOCTYPE html>\n<html lang=")
    assert len(read.ids) == len(set(read.ids))
    names = {tag for tag, _ in read.elements}
    assert not names & {"script", "img", "iframe", "object", "embed", "foreignobject", "image"}
    for tag, attrs in read.elements:
        for name, value in attrs.items():
            assert not name.startswith("on"), (tag, name)
            if name in {"href", "src", "xlink:href"}:
                assert str(value).startswith(("#", "data:,")), (tag, value)
            elif name.startswith("xmlns"):
                assert value in _NAMESPACES
            elif name in {"style", "fill", "stroke", "clip-path", "filter", "mask"}:
                assert not _ADDRESS.search(str(value)), (tag, value)
    assert ("viewport", "width=device-width, initial-scale=1") in {
        (attrs.get("name"), attrs.get("content")) for tag, attrs in read.elements if tag == "meta"
    }
    return read
