"""The fleet's page is whole, offline, escaped, small, and the same each time."""

import base64
import hashlib
import re
from collections.abc import Sequence

import pytest

from model_refresh.monitoring.urgency import totals
from model_refresh.records import FleetRow
from model_refresh.report.fleet import render_fleet
from model_refresh_tests.report.fleet.factories import EVIL, NOW, make_fleet, make_points, make_row
from model_refresh_tests.report.pages import Read

_ADDRESS = re.compile(r"(?:https?:)?//[^\s\"'<>)]+")


def page_of(rows: Sequence[FleetRow], *, to_store: str = "..") -> str:
    return render_fleet(rows, totals(rows), now=NOW, to_store=to_store)


def read(page: str) -> Read:
    """The page, parsed; raises AssertionError where it isn't whole, or would ask a network."""
    found = Read()
    found.feed(page)
    found.close()
    assert not found.problems, found.problems
    assert not found.open, found.open
    assert len(found.ids) == len(set(found.ids))
    assert [tag for tag, _ in found.elements].count("script") == 1
    for tag, attrs in found.elements:
        assert tag not in {"img", "iframe", "object", "embed", "base", "form"}
        for name, value in attrs.items():
            assert not name.startswith("on"), (tag, name)
            assert name not in {"src", "style"}, (tag, name)
            if name == "href":
                assert str(value).startswith(("data:,", "../", "./")), (tag, value)
            elif name != "datetime":
                assert not _ADDRESS.search(str(value)), (tag, name, value)
    return found


def rows_of(page: Read) -> list[dict[str, str | None]]:
    return [attrs for tag, attrs in page.elements if tag == "tr" and "data-k" in attrs]


@pytest.mark.parametrize("count", [0, 1, 40])
def test_a_fleet_of_any_size_is_a_whole_page_with_a_row_a_model(count: int) -> None:
    assert len(rows_of(read(page_of(make_fleet(count))))) == count


def test_the_same_rows_give_the_same_bytes() -> None:
    assert page_of(make_fleet(20)) == page_of(make_fleet(20))


def test_a_thousand_models_take_less_than_one_and_a_half_megabytes() -> None:
    assert len(page_of(make_fleet(1000)).encode()) < 1_500_000


def test_a_row_without_anything_known_is_drawn() -> None:
    bare = FleetRow(name="m", state="new", needs_person=False, sentence="never refreshed")
    assert "never refreshed" in read(page_of([bare])).text


def test_nothing_but_its_own_script_and_style_may_run_or_load() -> None:
    page = page_of(make_fleet(3))
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)
    assert policy is not None
    for tag, directive in (("script", "script-src"), ("style", "style-src")):
        inside = re.search(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        assert inside is not None
        digest = base64.b64encode(hashlib.sha256(inside[1].encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}'" in policy[1]
    assert "default-src 'none'" in policy[1]
    assert "unsafe" not in policy[1]


HOSTILE = (
    "name", "sentence", "description", "champion", "decision_sentence", "reason_sentence",
    "metric", "performance_sentence", "drift_sentence", "next_sentence", "report",
)  # fmt: skip


@pytest.mark.parametrize("field", HOSTILE)
def test_markup_in_a_field_is_text(field: str) -> None:
    hostile = make_row(**{field: EVIL, "state": "decayed"})
    found = read(page_of([hostile]))
    assert len(rows_of(found)) == 1


def test_an_owner_with_markup_is_text_in_the_row_and_in_the_filter() -> None:
    owner = "team:\"><script>alert(1)</script>"  # fmt: skip
    found = read(page_of([make_row(owners=(owner,))]))
    assert ("option", {"value": owner}) in found.elements
    assert rows_of(found)[0]["data-o"] == owner


def test_control_characters_leave_the_page_readable() -> None:
    assert "a\N{REPLACEMENT CHARACTER}b" in page_of([make_row(sentence="a\x00b")])


@pytest.mark.parametrize("to_store", ["..", "../../my home #1?"])
def test_a_report_is_linked_relative_to_the_page(to_store: str) -> None:
    found = read(
        page_of(
            [make_row(report="churn/reports/2026-11-23T06:00/ab/report.html")], to_store=to_store
        )
    )
    (link,) = [attrs["href"] for tag, attrs in found.elements if tag == "a"]
    start = {"..": "..", "../../my home #1?": "../../my%20home%20%231%3F"}[to_store]
    assert link == f"{start}/churn/reports/2026-11-23T06%3A00/ab/report.html"


def test_a_model_without_a_report_has_no_link() -> None:
    assert "<a " not in page_of([make_row(report=None)])


def test_rows_stand_in_the_order_given() -> None:
    rows = [make_row(name=name) for name in ("zeta", "alpha", "mid")]
    keys = [str(row["data-k"]).split(";")[0] for row in rows_of(read(page_of(rows)))]
    assert keys == ["0", "1", "2"]
    page = page_of(rows)
    assert page.index(">zeta<") < page.index(">alpha<") < page.index(">mid<")


def test_a_row_shows_the_command_that_tells_more() -> None:
    assert "<code>model-refresh plan m</code>" in page_of(
        [make_row(command="model-refresh plan m")]
    )
    assert "<code>model-refresh" not in page_of([make_row(command="")]).split("<tbody>")[1]


def test_each_state_that_there_is_has_a_button_with_its_count() -> None:
    rows = [make_row(state="failed"), make_row(state="fresh"), make_row(state="fresh")]
    found = read(page_of(rows))
    chips = [attrs["data-state"] for _, attrs in found.elements if "data-state" in attrs]
    assert chips == ["person", "failed", "fresh"]
    assert "needs a person 1 failed 1 fresh 2" in found.text


def test_both_lines_are_drawn_where_there_are_two_points() -> None:
    drawn = page_of([make_row(performance=make_points(2))])
    assert drawn.count("<path") == 3
    assert "<path" not in page_of([make_row(performance=make_points(1))])
