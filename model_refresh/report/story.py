"""What a report says, in order: the verdict first, where it comes from last. Read this first."""

from model_refresh.report.aging import staleness
from model_refresh.report.changes import changes
from model_refresh.report.facts import Facts
from model_refresh.report.judgement import criteria, gates, top
from model_refresh.report.origins import candidates, checks, lineage
from model_refresh.report.page import Page
from model_refresh.report.pictures import pictures, slices


def tell(facts: Facts) -> Page:
    """The page of these facts; a section whose evidence is absent is left out."""
    sections = [
        gates(facts),
        criteria(facts),
        pictures(facts),
        slices(facts),
        staleness(facts),
        changes(facts),
        checks(facts),
        lineage(facts),
        candidates(facts),
    ]
    return Page(top(facts), tuple(each for each in sections if each is not None))
