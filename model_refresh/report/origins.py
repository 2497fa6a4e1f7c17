"""Where it all comes from: checks on the data, lineage with digests, the candidates."""

import math
from collections.abc import Iterable

from model_refresh.records import Candidate, Dataset, Recipe
from model_refresh.report.blocks import Block, Cell, Section, Table, Tone, Words, heads
from model_refresh.report.changes import frames_text
from model_refresh.report.digits import count, fixed, number, places, size
from model_refresh.report.facts import Facts
from model_refresh.storage.store import stamp

_TONES: dict[str, Tone] = {"passed": "good", "noted": "open", "failed": "bad"}


def checks(facts: Facts) -> Section:
    """What the data looked like, and what is assumed of it."""
    blocks: list[Block] = []
    if assumed := facts.model.spec.frame.assumes_known:
        names, many = ", ".join(assumed), len(assumed) > 1
        blocks.append(
            Words(
                f"{names} {'are' if many else 'is'} in truth known only after as_of and used as "
                f"{'features' if many else 'a feature'} all the same, as declared in "
                "frame.assumes_known: every figure here is as good as that assumption.",
                "warning",
            )
        )
    dataset = facts.dataset
    if dataset is None:
        blocks.append(Words("The dataset's record is no longer in the store."))
        return Section("checks", "Data checks", tuple(blocks))
    blocks += [Words(note, "warning") for note in dataset.plan.notes]
    if dataset.ignored:
        names = ", ".join(dataset.ignored)
        blocks.append(Words(f"New columns that policy keeps out: {names}.", "warning"))
    rows = tuple(
        (Cell(c.name), Cell(c.outcome, tone=_TONES[c.outcome]), Cell(c.sentence))
        for c in dataset.checks
    )
    if rows:
        blocks.append(
            Table(heads("check", "outcome", "what it found", prose=("what it found",)), rows)
        )
    else:
        blocks.append(Words("No check was recorded."))
    return Section("checks", "Data checks", tuple(blocks))


def lineage(facts: Facts) -> Section:
    """Frames and digests: whoever doubts a figure starts here."""
    blocks: list[Block] = []
    if facts.dataset is not None:
        blocks.append(_frames(facts.dataset))
    rows = tuple((Cell(name), Cell(value, code=True)) for name, value in _digests(facts) if value)
    blocks.append(Table(heads("what", "digest or name"), rows, title="Digests", dense=True))
    blocks += [Words(text) for text in _footprint(facts)]
    return Section("lineage", "Lineage", tuple(blocks))


def candidates(facts: Facts) -> Section | None:
    """The leaderboard on validation rows, with those that failed; None where none is stored."""
    found = _ranked(facts)
    if not found:
        return None
    measured = facts.ordered({name for each in found for name in each.validation})
    labels = [facts.label(name) for name in measured]
    titles = heads("candidate", "", *labels, "trials", numbers=(*labels, "trials"))
    columns = {name: places(*(e.validation.get(name) for e in found)) for name in measured}
    rows = tuple(_candidate(facts, each, columns) for each in found)
    blocks: list[Block] = [Table(titles, rows)]
    blocks += [Words(f"{c.name}: {c.failure}", "warning") for c in found if c.failure is not None]
    told = [(c.name, c.dropped or c.note) for c in found]
    blocks += [Words(f"{name}: {said}", "muted") for name, said in told if said is not None]
    blocks += [
        Words(_mixture(c.name, c.recipe), "muted") for c in found if c.recipe and c.recipe.members
    ]
    text = (
        "The mean over the validation folds, which the choice was made on; the holdout was not "
        "looked at."
    )
    blocks.append(Words(text, "muted"))
    return Section("candidates", "Candidates on validation", tuple(blocks))


def _ranked(facts: Facts) -> list[Candidate]:
    """The chosen one, then the others that were fitted, best first, then those that were not."""
    primary, chosen = facts.comparison.primary, facts.comparison.challenger

    def rank(each: Candidate) -> tuple[bool, bool, float]:
        gain = facts.gain(primary, each.validation.get(primary, math.nan), 0.0)
        unknown = each.version is None or math.isnan(gain)
        return each.name != chosen, unknown, 0.0 if unknown else -gain

    return sorted(facts.candidates, key=rank)


def _mixture(name: str, recipe: Recipe) -> str:
    """Which models it is the mean of, by their shares, the largest first; not what those mix."""
    members = sorted(recipe.members, key=lambda each: -each.weight)
    return f"{name} mixes: " + ", ".join(f"{m.recipe.algorithm} {m.weight:.2f}" for m in members)


def _frames(dataset: Dataset) -> Table:
    plan = dataset.plan
    parts = {"tuning fits": plan.tuning, "validation": plan.validated, "trial": plan.trial,
             "holdout": plan.holdout, "final": plan.final}  # fmt: skip
    at = places(*(pair.labels.mean for pair in dataset.frames))
    rows = tuple(
        (
            Cell(stamp(pair.as_of), tone="strong" if pair.as_of in plan.holdout else ""),
            Cell(", ".join(name for name, part in parts.items() if pair.as_of in part)),
            Cell(count(pair.labels.rows)),
            Cell(fixed(pair.labels.mean, at)),
            Cell(stamp(pair.labels.known_at)),
            Cell(pair.frame.content[:16], code=True),
            Cell(pair.labels.content[:16], code=True),
        )
        for pair in dataset.frames
    )
    digests = ("rows' digest", "labels' digest")
    told = ("frame", "serves", "rows", "label mean", "labels known at", *digests)
    numbers = ("rows", "label mean")
    titles = heads(*told, numbers=numbers, exact=set(told) - set(numbers))
    return Table(titles, rows, title="Frames", dense=True)


def _digests(facts: Facts) -> Iterable[tuple[str, str | None]]:
    verdict, comparison, met = facts.verdict, facts.comparison, facts.comparison.incumbent
    yield "verdict", verdict.digest()
    yield "comparison", verdict.comparison
    yield "dataset", verdict.dataset
    yield "challenger's trial twin", comparison.trial
    yield "its artifact", verdict.artifact
    if facts.challenger is not None:
        yield "its frames", frames_text(facts.challenger.lineage.frames)
    if met is not None:
        yield f"incumbent, entry {met.entry}", met.entry_digest
        yield "its version in production", met.version
        yield "its trial twin", met.trial
    if facts.entry is not None:
        yield "it came by", f"{facts.entry.kind} as of {stamp(facts.entry.as_of)}"
    yield "policy", verdict.policy
    yield "code", verdict.code
    yield "holdout", ", ".join(stamp(each) for each in comparison.holdout)


def _footprint(facts: Facts) -> Iterable[str]:
    weight, found = facts.comparison.footprint, facts.comparison.discovery
    if weight is not None:
        asked = weight.latency_ms is not None
        time = f"; one row takes {number(weight.latency_ms, 3)} ms" if asked else ""
        yield f"The trial twin weighs {size(weight.size_bytes)}{time}."
    if found is not None:
        yield (
            f"This is test {found.number} of the fleet's sequence ({found.rule}), which is held to "
            f"a rate of {found.rate:.2g} false promotions; it was allowed an error of "
            f"{found.level:.2g}."
        )


def _candidate(facts: Facts, each: Candidate, columns: dict[str, int]) -> tuple[Cell, ...]:
    chosen = each.name == facts.comparison.challenger
    state, tone = ("chosen", "good") if chosen else _absence(each)
    below = "" if each.repeatable else "tuning was cut short by time"
    trials = count(len(each.trials)) if each.trials else ""
    return (
        Cell(each.name, tone="strong" if chosen else "", below=below),
        Cell(state, tone=tone),  # type: ignore[arg-type]
        *(Cell(fixed(each.validation.get(name), at)) for name, at in columns.items()),
        Cell(trials if each.absence is None else fixed(None, 0)),
    )


def _absence(each: Candidate) -> tuple[str, str]:
    """In a word whether a candidate is missing, and the tone of that."""
    if each.failure is not None:
        return "failed", "bad"
    return ("not in it", "") if each.dropped is not None else ("", "")
