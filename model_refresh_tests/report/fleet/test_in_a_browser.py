"""What the page does in headless Chromium: real clicks and keys, 1,000 rows, hostile names."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from model_refresh.monitoring.urgency import totals
from model_refresh.records import FleetRow
from model_refresh.report.fleet import render_fleet
from model_refresh_tests.browser import Page, browsing
from model_refresh_tests.report.fleet.factories import EVIL, NOW, make_fleet, make_row

pytestmark = pytest.mark.xdist_group("browser")

SHOWN = "[...document.querySelectorAll('tbody tr:not([hidden])')]"
NAMES = f"{SHOWN}.map(row => row.cells[0].firstElementChild.textContent)"
COUNT = "document.querySelector('#count').value"
ASKED_THOUSAND = """(async () => {
  const frame = () => new Promise(done => requestAnimationFrame(() => setTimeout(done)));
  const timed = async act => { const start = performance.now(); act(); await frame(); return performance.now() - start };
  const search = document.querySelector('#search');
  const type = text => () => { search.value = text; search.dispatchEvent(new Event('input')) };
  const press = selector => () => document.querySelector(selector).click();
  return {search: await timed(type('churn')), clear: await timed(type('')), sort: await timed(press('th[data-key=name] button')),
    filter: await timed(press('[data-state=person]')), load: performance.getEntriesByType('navigation')[0].loadEventEnd};
})()"""  # fmt: skip


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browsing(tmp_path_factory.mktemp("browser")) as page:
        page.look(1400, 900)
        yield page


def rows() -> list[FleetRow]:
    return [
        make_row(name="torn", state="failed", owners=("team:risk",), age=9.0, drift=None),
        make_row(name="waits", state="waiting", owners=("team:crm", "ann@example.com"), age=3.0),
        make_row(name="churn", owners=("team:crm",), age=7.0, drift=0.5),
        make_row(name="nobodys", owners=(), age=1.0, drift=0.1),
    ]


def show(browser: Page, folder: Path, told: list[FleetRow], *, fragment: str = "") -> Page:
    file = folder / "fleet.html"
    file.write_text(render_fleet(told, totals(told), now=NOW))
    browser.open(file, fragment=fragment)
    assert not browser.complaints()
    return browser


@pytest.fixture
def page(browser: Page, tmp_path: Path) -> Page:
    return show(browser, tmp_path, rows())


def search_for(page: Page, text: str) -> Any:
    page.click("#search")
    page.type(text)
    return page.evaluate(NAMES)


def test_a_search_finds_names_owners_and_sentences_by_all_of_its_words(page: Page) -> None:
    assert search_for(page, "TEAM:CRM chur") == ["churn"]
    assert page.evaluate(COUNT) == "1 of 4 shown"
    page.click("#all")
    assert search_for(page, "stopped before a verdict") == ["torn"]


def test_a_search_that_finds_nothing_says_so(page: Page) -> None:
    assert search_for(page, "no such thing") == []
    assert page.evaluate("document.querySelector('#nothing').checkVisibility()")


def test_states_filter_together_and_are_let_go_again(page: Page) -> None:
    page.click("[data-state=person]")
    assert page.evaluate(NAMES) == ["torn", "waits"]
    page.click("[data-state=fresh]")
    assert len(page.evaluate(NAMES)) == 4
    page.click("[data-state=person]")
    assert page.evaluate(NAMES) == ["churn", "nobodys"]
    assert page.evaluate("document.querySelector('[data-state=fresh]').ariaPressed") == "true"


@pytest.mark.parametrize(
    ("owner", "found"), [("team:crm", ["waits", "churn"]), ("nobody", ["nobodys"])]
)
def test_an_owner_filters(page: Page, owner: str, found: list[str]) -> None:
    page.evaluate(
        "(() => { const s = document.querySelector('#owner');"
        f"s.value = '{owner}'; s.dispatchEvent(new Event('change')) }})()"
    )
    assert page.evaluate(NAMES) == found


def test_a_head_sorts_both_ways_and_what_has_no_value_stays_last(page: Page) -> None:
    assert page.evaluate(NAMES) == ["torn", "waits", "churn", "nobodys"]
    page.click("th[data-key='4'] button")
    assert page.evaluate(NAMES) == ["churn", "nobodys", "waits", "torn"]
    assert page.evaluate("document.querySelector('th[data-key=\"4\"]').ariaSort") == "descending"
    page.click("th[data-key='4'] button")
    assert page.evaluate(NAMES) == ["waits", "nobodys", "churn", "torn"]
    page.click("th[data-key='name'] button")
    assert page.evaluate(NAMES) == ["churn", "nobodys", "torn", "waits"]


def test_the_keyboard_alone_reaches_search_filters_and_heads(page: Page) -> None:
    page.evaluate("document.querySelector('#search').focus()")
    page.key("Tab", 9)
    page.key("Enter", 13)
    assert page.evaluate(NAMES) == ["torn", "waits"]
    page.evaluate("document.querySelector('th[data-key=name] button').focus()")
    page.key("Enter", 13)
    assert page.evaluate("document.querySelector('th[data-key=name]').ariaSort") == "ascending"


def test_what_is_asked_stands_in_the_address_and_can_be_sent(page: Page, tmp_path: Path) -> None:
    page.click("[data-state=waiting]")
    search_for(page, "waits for")
    fragment = page.evaluate("location.hash")
    assert fragment == "#q=waits+for&state=waiting"
    again = show(page, tmp_path, rows(), fragment=fragment)
    assert again.evaluate(NAMES) == ["waits"]


def test_a_row_has_a_command_to_copy(page: Page) -> None:
    copy = "document.querySelector('tbody code')"
    page.click("tbody code + button")
    told = page.evaluate(f"new Promise(done => setTimeout(() => done({copy}.dataset.copied), 100))")
    assert told in ("copied", "selected")
    assert page.evaluate(f"{copy}.textContent") == "model-refresh why torn"


def test_no_name_or_sentence_runs_as_script(browser: Page, tmp_path: Path) -> None:
    fields = ("name", "sentence", "champion", "decision_sentence", "metric", "drift_sentence")
    hostile = make_row(**dict.fromkeys(fields, EVIL), state="decayed", owners=(f"team:{EVIL}",))
    page = show(browser, tmp_path, [hostile])
    page.evaluate("new Promise(done => setTimeout(done, 50))")
    assert page.evaluate("document.title") == "Fleet: 1 of 1 need a person"
    assert page.evaluate("document.querySelectorAll('script, img').length") == 1
    assert page.evaluate(NAMES) == [EVIL]


def test_without_script_the_table_is_there_in_order_and_nothing_asks(
    browser: Page, tmp_path: Path
) -> None:
    browser.ask("Emulation.setScriptExecutionDisabled", value=True)
    try:
        page = show(browser, tmp_path, rows())
        assert page.evaluate(NAMES) == ["torn", "waits", "churn", "nobodys"]
        assert page.evaluate("document.querySelector('tbody tr').checkVisibility()")
        assert not page.evaluate("document.querySelector('#ask').checkVisibility()")
        assert page.evaluate("document.querySelectorAll('th button').length") == 0
    finally:
        browser.ask("Emulation.setScriptExecutionDisabled", value=False)


@pytest.mark.parametrize("width", [320, 400, 800, 1400])
def test_no_width_makes_the_page_scroll_sideways(browser: Page, tmp_path: Path, width: int) -> None:
    browser.look(width, 800)
    page = show(browser, tmp_path, [*rows(), make_row(name="x" * 63, sentence="y" * 300)])
    assert page.evaluate("document.documentElement.scrollWidth") == width
    browser.look(1400, 900)


def test_an_old_page_says_so(page: Page) -> None:
    told = page.evaluate(
        "[document.querySelector('#old').hidden, document.querySelector('#old').textContent]"
    )
    is_old = page.evaluate(f"Date.now() - Date.parse('{NOW.isoformat()}') > 3 * 3600 * 1000")
    assert told[0] is not is_old
    assert told[1].startswith("This page is ") is is_old


def test_a_thousand_rows_are_quick_to_search_sort_and_filter(
    browser: Page, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = show(browser, tmp_path, make_fleet(1000))
    took: dict[str, float] = page.evaluate(ASKED_THOUSAND)
    with capsys.disabled():
        sys.stdout.write(f"\n1,000 rows, ms: { {what: round(ms) for what, ms in took.items()} }\n")
    assert all(each < 2_000 for each in took.values())
    assert page.evaluate(COUNT) == f"{totals(make_fleet(1000)).need_person} of 1,000 shown"
