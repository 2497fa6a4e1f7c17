import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from model_refresh.messages import Mailbox, open_mailbox, speak_through, tell_parent


@pytest.fixture
def heard() -> list[str]:
    return []


@pytest.fixture
def mailbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mailbox]:
    """A mailbox that this process itself writes to."""
    monkeypatch.setattr("model_refresh.messages._voice.pipe", None)
    with open_mailbox() as opened:
        speak_through(opened.writing)
        yield opened


def test_in_a_process_without_a_parent_that_listens_nothing_is_said() -> None:
    tell_parent("hello")


def test_lines_are_heard_whole_and_in_their_order(mailbox: Mailbox, heard: list[str]) -> None:
    tell_parent("one")
    tell_parent("zwölf \ud800")
    tell_parent("")
    assert heard == []
    mailbox.empty(heard.append)
    assert heard == ["one", "zwölf ?", ""]
    mailbox.empty(heard.append)
    assert len(heard) == 3


def test_a_torn_line_is_heard_when_its_rest_has_come(mailbox: Mailbox, heard: list[str]) -> None:
    for piece in (b"zw", b"\xc3", b"\xb6lf", b"\nthr"):
        assert heard == []
        os.write(mailbox.writing, piece)
        mailbox.empty(heard.append)
    assert heard == ["zwölf"]


@pytest.mark.parametrize("text", ["two\nlines", "x" * 4096, "ö" * 2048])
def test_what_does_not_fit_in_one_line_is_not_said(
    mailbox: Mailbox, heard: list[str], text: str
) -> None:
    tell_parent(text)
    tell_parent("x" * 4095)
    mailbox.empty(heard.append)
    assert heard == ["x" * 4095]


@pytest.mark.parametrize("pieces", [1, 2, 7, 40])
def test_a_line_that_is_too_long_is_dropped_to_its_end(
    mailbox: Mailbox, heard: list[str], pieces: int
) -> None:
    for _ in range(pieces):
        os.write(mailbox.writing, b"x" * 4096)
        mailbox.empty(heard.append)
    os.write(mailbox.writing, b"\nnext\n")
    mailbox.empty(heard.append)
    assert heard == ["next"]


def test_bytes_that_are_no_text_are_heard_as_question_marks(
    mailbox: Mailbox, heard: list[str]
) -> None:
    os.write(mailbox.writing, b"\xff\x00\xfe\n")
    mailbox.empty(heard.append)
    assert heard == ["\ufffd\x00\ufffd"]


def test_a_full_pipe_loses_what_is_said_and_keeps_nobody(
    mailbox: Mailbox, heard: list[str]
) -> None:
    for number in range(10_000):
        tell_parent(f"message {number}")
    mailbox.empty(heard.append)
    tell_parent("the last")
    mailbox.empty(heard.append)
    assert 100 < len(heard) < 10_000
    assert heard[:-1] == [f"message {number}" for number in range(len(heard) - 1)]
    assert heard[-1] == "the last"


def test_a_reader_that_is_gone_is_no_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("model_refresh.messages._voice.pipe", None)
    reading, writing = os.pipe()
    os.close(reading)
    speak_through(writing)
    tell_parent("anybody?")
    os.close(writing)
    tell_parent("is it on?")


def test_what_the_speaking_process_starts_does_not_hold_the_pipe(mailbox: Mailbox) -> None:
    os.set_inheritable(mailbox.writing, True)
    speak_through(mailbox.writing)
    look = f"import os; os.fstat({mailbox.writing})"
    ended = subprocess.run(
        [sys.executable, "-c", look], close_fds=False, check=False, capture_output=True
    )
    assert b"Bad file descriptor" in ended.stderr
