"""Every report renders: whole, offline, escaped, the same each time."""

import math
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from model_refresh.records import Comparison, Decision, Member, Task
from model_refresh.report.blocks import Table, Words
from model_refresh.report.facts import Facts
from model_refresh.report.origins import candidates
from model_refresh.report.page import render
from model_refresh.report.story import tell
from model_refresh_tests.report.factories import EVIL, incomparable, make_facts, make_verdict
from model_refresh_tests.report.pages import read_page

ALL = ["gates", "criteria", "curves", "slices", "staleness", "changes", "checks", "lineage", "candidates"]  # fmt: skip
_ADDRESS = re.compile(r"https?://[^\s\"'<>]+")


def page_of(facts: Facts) -> str:
    return render(tell(facts))


def judged(facts: Facts, comparison: Comparison, decision: Decision = "retain") -> Facts:
    return replace(facts, comparison=comparison, verdict=make_verdict(comparison, decision))


def older(facts: Facts) -> Facts:
    """A comparison of before there was evidence beside metrics."""
    bare: dict[str, object] = {"slices": (), "curves": {}, "migration": None, "staleness": (), "freshness": None,
            "footprint": None, "discovery": None, "notes": ()}  # fmt: skip
    return judged(facts, facts.comparison.model_copy(update=bare))


def alone(facts: Facts) -> Facts:
    """No incumbent."""
    metrics = {
        name: each.model_copy(
            update={"incumbent": None, "gain_over_incumbent": None, "incumbent_interval": None,
                    "incumbent_over_constant": None, "detectable": None}
        )
        for name, each in facts.comparison.metrics.items()
    }  # fmt: skip
    curves = {"challenger": facts.comparison.curves["challenger"]}
    slices = tuple(
        each.model_copy(update={"incumbent": None, "gain": None})
        for each in facts.comparison.slices
    )
    changed = {"incumbent": None, "metrics": metrics, "curves": curves, "migration": None,
               "slices": slices}  # fmt: skip
    fewer = judged(facts, facts.comparison.model_copy(update=changed), "promote")
    return replace(fewer, incumbent=None, entry=None)


def refused(facts: Facts) -> Facts:
    """An incumbent that can't be judged on these rows."""
    single = alone(facts)
    met = single.comparison.model_copy(update={"incumbent": incomparable()})
    return replace(judged(single, met, "reject"), incumbent=facts.incumbent)


def nobody(facts: Facts) -> Facts:
    """No candidate could be fitted."""
    bare = older(facts).comparison.model_copy(
        update={"challenger": None, "trial": None, "artifact": None, "metrics": {}}
    )
    return replace(
        judged(facts, bare, "reject"), challenger=None, candidates=(facts.candidates[-1],)
    )


def forgotten(facts: Facts) -> Facts:
    """What the verdict rests on is no longer in the store."""
    gone = ("version 1f2e3d4c5b6a7980 is missing from the store: restore it from a backup",)
    return replace(
        facts, dataset=None, candidates=(), challenger=None, incumbent=None, entry=None, gone=gone
    )


def undefined(facts: Facts) -> Facts:
    """Nothing is finite."""
    nothing = {"estimate": math.nan, "lower": math.nan, "upper": math.inf}
    metrics = {
        name: each.model_copy(
            update={
                "challenger": math.nan,
                "incumbent": math.inf,
                "gain_over_incumbent": each.gain_over_incumbent
                and each.gain_over_incumbent.model_copy(update=nothing),
                "detectable": math.nan,
            }
        )
        for name, each in facts.comparison.metrics.items()
    }
    curves = {
        who: each.model_copy(
            update={
                "reliability": tuple(
                    b.model_copy(update={"lower": math.nan, "actual": math.nan})
                    for b in each.reliability
                ),
                "gains": (),
            }
        )
        for who, each in facts.comparison.curves.items()
    }
    return judged(facts, facts.comparison.model_copy(update={"metrics": metrics, "curves": curves}))


WORLDS = [replace, older, alone, refused, nobody, forgotten, undefined]


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.__name__)
@pytest.mark.parametrize("task", ["binary", "regression", "multiclass"])
def test_every_combination_is_a_whole_page_without_script_or_address(
    tmp_path: Path, task: Task, world: object
) -> None:
    facts = world(make_facts(tmp_path, task=task, feature=EVIL))  # type: ignore[operator]
    page = page_of(facts)
    read = read_page(page)
    assert len(page) < 3_000_000
    assert facts.verdict.decision in read.text
    assert facts.verdict.sentence in read.text
    assert {"gates", "criteria", "checks", "lineage"} <= set(read.headings)
    assert EVIL not in page
    assert "<script" not in page
    assert "<b>'" not in page
    told = {url for url in _ADDRESS.findall(page) if "example.com" not in url}
    assert told <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}


def test_all_sections_stand_in_order(tmp_path: Path) -> None:
    assert read_page(page_of(make_facts(tmp_path))).headings == ALL


def test_a_section_without_evidence_is_left_out(tmp_path: Path) -> None:
    read = read_page(page_of(older(make_facts(tmp_path))))
    assert read.headings == [s for s in ALL if s not in {"curves", "slices", "staleness"}]


def test_the_same_facts_give_the_same_bytes(tmp_path: Path) -> None:
    facts = make_facts(tmp_path)
    assert page_of(facts) == page_of(facts)


@pytest.mark.parametrize("decision", ["promote", "retain", "reject"])
def test_the_verdict_is_coloured_by_its_decision(tmp_path: Path, decision: Decision) -> None:
    facts = make_facts(tmp_path)
    read = read_page(page_of(judged(facts, facts.comparison, decision)))
    assert ("section", f"verdict {decision}") in {(t, a.get("class")) for t, a in read.elements}


def test_figures_stand_beside_each_other(tmp_path: Path) -> None:
    text = read_page(page_of(make_facts(tmp_path))).text
    assert "log loss decides 0.2500 0.2380 to 0.2620 0.2602" in text
    assert "+0.0102 +0.0062 to +0.0142" in text
    assert "This holdout can't see less than a gain of 0.0061 in log loss" in text
    assert "Features added: segment." in text
    assert "43.1% of the rows change their tenth, 3.7% cross a tier" in text
    assert "recency is in truth known only after as_of" in text
    assert "forest: column segment holds infinite values" in text


def test_candidates_stand_in_the_order_of_their_values_with_the_chosen_first(
    tmp_path: Path,
) -> None:
    facts = make_facts(tmp_path)
    constant, linear, chosen, failed = facts.candidates
    better = constant.model_copy(update={"name": "steady", "validation": {"log_loss": 0.2}})
    mixed = replace(facts, candidates=(failed, constant, linear, better, chosen))
    section = candidates(mixed)
    assert section is not None
    (table,) = [block for block in section.blocks if isinstance(block, Table)]
    assert [row[0].text for row in table.rows] == [
        "lightgbm", "steady", "linear", "constant", "forest",
    ]  # fmt: skip


def test_a_mixture_names_its_members_and_has_no_trials(tmp_path: Path) -> None:
    facts = make_facts(tmp_path)
    (_, linear, chosen, _) = facts.candidates
    assert linear.recipe is not None
    assert chosen.recipe is not None
    tree, line = chosen.recipe, linear.recipe.model_copy(update={"algorithm": "linear"})
    members = (Member(recipe=line, weight=0.21), Member(recipe=tree, weight=0.79))
    recipe = tree.model_copy(update={"algorithm": "ensemble", "members": members})
    ensemble = linear.model_copy(update={"name": "ensemble", "recipe": recipe, "trials": ()})
    section = candidates(replace(facts, candidates=(chosen, ensemble)))
    assert section is not None
    assert Words("ensemble mixes: lightgbm 0.79, linear 0.21", "muted") in section.blocks
    (table,) = [block for block in section.blocks if isinstance(block, Table)]
    assert [row[-1].text for row in table.rows] == ["7", ""]


@pytest.mark.parametrize(
    "name", ["\0nul", "\x1b[31m", "a\u2028b", "]]>", "x" * 5000, "\U0001f600" * 60]
)
def test_no_name_stops_a_page(tmp_path: Path, name: str) -> None:
    page = page_of(make_facts(tmp_path, task="multiclass", feature=name))
    read_page(page)
    page.encode()


def test_no_incumbent_is_said(tmp_path: Path) -> None:
    text = read_page(page_of(alone(make_facts(tmp_path)))).text
    assert "There is no incumbent yet" in text
    assert "gain over constant" in text


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""


needs_browser = pytest.mark.skipif(not CHROMIUM, reason="needs a chromium binary")
_OWN = ("google.com", "googleapis.com", "gvt1.com")
"""Where a browser knocks by itself, whatever it shows; here it finds nobody."""


def browse(page: Path, folder: Path) -> tuple[str, list[str], set[str]]:
    """The page as a browser has it, what its console says, and which hosts it asked for."""
    log, net = folder / "chrome.log", folder / "net.json"
    done = subprocess.run(
        [
            CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom",
            "--no-first-run", "--disable-background-networking", "--disable-component-update",
            "--disable-sync", "--host-resolver-rules=MAP * ~NOTFOUND", "--enable-logging",
            "--v=0", f"--log-file={log}", f"--user-data-dir={folder / 'profile'}",
            f"--log-net-log={net}", page.as_uri(),
        ],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    logged = done.stderr + (log.read_text() if log.exists() else "")
    hosts = set(re.findall(r'"url":"https?://([^/:"]+)', net.read_text()))
    console = [line for line in logged.split("\n") if "CONSOLE" in line]
    return done.stdout, console, {host for host in hosts if not host.endswith(_OWN)}


@needs_browser
def test_a_browser_shows_it_without_error_and_asks_for_nothing(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_text(page_of(make_facts(tmp_path, feature=EVIL)))
    shown, console, hosts = browse(page, tmp_path)
    assert "<h1>repurchase, 1998-03-02</h1>" in shown
    assert shown.count("<svg") == page.read_text().count("<svg") > 10
    assert console == []
    assert hosts == set()


@needs_browser
def test_a_page_that_asked_for_more_would_be_noticed(tmp_path: Path) -> None:
    page = tmp_path / "bad.html"
    page.write_text("<img src='https://example.com/x'><script>console.error('no')</script>")
    _, console, hosts = browse(page, tmp_path)
    assert len(console) == 1
    assert hosts == {"example.com"}
