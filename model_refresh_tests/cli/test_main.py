"""What holds for every command: names, dates, exit codes, and one line for each failure."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from model_refresh.cli import main
from model_refresh_tests.cli.terminal import day, every_byte, run
from model_refresh_tests.conftest import FIRST, SECOND
from model_refresh_tests.lab import NAME, Lab

ROOT = Path(__file__).parents[2]
VERSION = "0123456789abcdef"

OF_A_MODEL = {
    "check": ["check", "NAME"],
    "show": ["show", "NAME"],
    "refresh": ["refresh", "NAME"],
    "history": ["history", "NAME"],
    "why": ["why", "NAME"],
    "champion": ["champion", "NAME"],
    "promote": ["promote", "NAME", VERSION, "--force", "--reason", "x"],
    "rollback": ["rollback", "NAME", "--reason", "x"],
    "score": ["score", "NAME"],
    "verify": ["verify", "NAME"],
}


def of(command: str, name: str) -> list[str]:
    return [name if word == "NAME" else word for word in OF_A_MODEL[command]]


@pytest.mark.parametrize("command", OF_A_MODEL)
def test_a_name_that_is_unknown_is_answered_by_the_nearest(lab: Lab, command: str) -> None:
    before = every_byte(lab.home)
    for extra in ([], ["--json"]):
        ended = run(lab, *of(command, "visit"), *extra)
        assert ended.code == 1
        assert "'visit', did you mean 'visits'?" in ended.err
        assert ended.err.count("\n") == 1
        assert ended.out == "" or (command, extra) == ("check", ["--json"])
    assert every_byte(lab.home) == before


@pytest.mark.parametrize("name", ["", "../visits", "/etc", "visits\n", "Visits", "[bold]x[/]"])
def test_a_name_that_is_no_name_is_only_text(lab: Lab, name: str) -> None:
    ended = run(lab, "champion", name)
    assert ended.code == 1
    assert f"there is no model {name!r}" in ended.err


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("yesterday", "'yesterday' is no frame's instant: give a key such as 2024-01-15"),
        ("2024-13-01", "'2024-13-01' is no frame's instant"),
        ("2024-01-25T06:30", "there is no frame at 2024-01-25T06:30 UTC"),
        ("", "'' is no frame's instant"),
    ],
)
def test_a_date_that_has_no_frame_is_answered_by_one_that_has(
    lab: Lab, text: str, why: str
) -> None:
    for command in ["refresh", "why", "score"]:
        ended = run(lab, command, NAME, "--as-of", text)
        assert (ended.code, ended.out) == (1, "")
        assert why in ended.err
        assert ended.err.count("\n") == 1


@pytest.mark.parametrize("text", ["yesterday", "2024-13-01", "2024-01-25T06:30", ""])
def test_what_is_no_instant_is_answered_by_those_that_are_accepted(lab: Lab, text: str) -> None:
    ended = run(lab, "champion", NAME, "--at", text)
    assert (ended.code, ended.out) == (1, "")
    assert f"{text!r} is no instant; accepted: a date such as" in ended.err
    assert ended.err.count("\n") == 1


@pytest.mark.parametrize(
    "command",
    [["refresh", NAME], ["score", NAME], ["check", NAME, "--data"],
     ["promote", NAME, VERSION, "--force", "--reason", "x"]],
)  # fmt: skip
def test_a_frame_of_the_future_is_not_computed_before_its_time(
    lab: Lab, command: list[str]
) -> None:
    version = lab.store.champion.line(1).record.version
    before = every_byte(lab.home)
    typed = [version if word == VERSION else word for word in command]
    ended = run(lab, *typed, "--as-of", "2999-01-01")
    assert ended.code == 1
    assert "visits has no frame at 2999-01-01 yet: the newest is" in ended.err
    assert every_byte(lab.home) == before


@pytest.mark.parametrize("command", ["refresh", "score"])
def test_a_model_that_starts_in_the_future_says_when(lab: Lab, command: str) -> None:
    late = lab.again({"frame.start": "2199-01-01"})
    ended = run(late, command, NAME)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == "visits starts at 2199-01-01: it has no frame yet\n"


@pytest.mark.parametrize(
    "command",
    [["check"], ["check", "--json"], ["check", "--data", "--as-of", "2024-01-25"],
     ["show", NAME], ["history", NAME], ["why", NAME, "--as-of", "2024-01-25"],
     ["champion", NAME], ["verify"]],
)  # fmt: skip
def test_asking_writes_nothing(lab: Lab, command: list[str]) -> None:
    before = every_byte(lab.home.parent)
    assert run(lab, *command).code == 0
    assert every_byte(lab.home.parent) == before


@pytest.mark.parametrize("command", ["history", "champion", "verify"])
def test_asking_of_a_store_that_is_not_there_does_not_make_one(fresh: Lab, command: str) -> None:
    names = [] if command == "verify" else [NAME]
    assert run(fresh, command, *names).code == 0
    assert not fresh.home.exists()


@pytest.mark.parametrize(
    "typed",
    [
        ["nonsense"],
        ["refresh"],
        ["refresh", NAME, "--no-such-option"],
        ["rollback", NAME],
        ["rollback", NAME, "--reason", " "],
        ["promote", NAME, VERSION, "--force"],
        ["promote", NAME, "--force", "--reason", "x"],
        ["why", NAME, "twice"],
        [],
    ],
)
def test_wrong_usage_exits_2_and_changes_nothing(lab: Lab, typed: list[str]) -> None:
    before = every_byte(lab.home)
    ended = run(lab, *typed)
    assert ended.code == 2
    assert "Usage" in ended.err + ended.out
    assert every_byte(lab.home) == before


def test_a_declaration_that_is_wrong_is_told_with_every_place(lab: Lab) -> None:
    path = lab.folder / "model.yaml"
    path.write_text(path.read_text().replace("binary", "binry").replace("every: 1d", "every: 9d"))
    for command in ("refresh", "history", "score"):
        ended = run(lab, command, NAME)
        assert (ended.code, ended.out) == (1, "")
        first, second = ended.err.splitlines()
        assert first.startswith(f"{path}:2:7 task is 'binry'")
        assert "did you mean 'binary'?" in first
        assert "frame.every is '9d'" in second


def test_an_interruption_says_how_to_go_on(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("model_refresh.pipeline.alone.refresh", interrupted)
    ended = run(lab, "refresh", NAME, "--as-of", day(lab, SECOND))
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == "interrupted; run the same command again to go on\n"


def test_a_bug_keeps_its_trace(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("model_refresh.pipeline.alone.refresh", broken)
    with pytest.raises(ZeroDivisionError, match="a bug"):
        run(lab, "refresh", NAME, "--as-of", day(lab, SECOND))


def test_main_ends_as_the_command_does(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    places = ["--fleet", str(lab.fleet), "--home", str(lab.home)]
    for name, code in ((NAME, 0), ("nobody", 1)):
        monkeypatch.setattr(sys, "argv", ["model-refresh", "champion", name, *places])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == code
    told = capsys.readouterr()
    assert lab.store.champion.line(1).record.version in told.out
    assert told.err == f"{lab.fleet}: there is no model 'nobody'; there are visits\n"


def test_the_module_is_the_same_command(lab: Lab) -> None:
    places = {"MODEL_REFRESH_FLEET": str(lab.fleet), "MODEL_REFRESH_HOME": str(lab.home)}
    script = Path(sys.executable).with_name("model-refresh")
    asked = ["champion", NAME, "--at", day(lab, FIRST)]
    ended = [
        subprocess.run(
            [*command, *asked],
            cwd=ROOT,
            env=os.environ | places,
            check=False,
            capture_output=True,
            text=True,
        )
        for command in ([str(script)], [sys.executable, "-m", "model_refresh"])
    ]
    assert [each.returncode for each in ended] == [0, 0]
    assert ended[0].stdout == ended[1].stdout == run(lab, *asked).out
    assert [each.stderr for each in ended] == ["", ""]
