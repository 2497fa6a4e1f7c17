"""The model card: what a version is for, what it was made of, and where it was not tested.

After Mitchell et al. (2019), "Model Cards for Model Reporting". Markdown, made of what the version
itself stores, so that it is the same wherever it is made; it lies beside the model it tells of.
"""

import datetime as dt
import re
from collections.abc import Iterable, Mapping

from model_refresh.records import LabelledFrame, Lineage, Recipe, Record

CARD = "model_card.md"

_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~!&])")
_TARGETS = {
    "binary": "the probability that `{column}` is 1",
    "regression": "the expected value of `{column}`",
    "multiclass": "the probability of each class of `{column}`",
}


class CardText(Record):
    """What people declared of the model; `assumes_known` are columns known only after as_of."""

    description: str = ""
    owners: tuple[str, ...] = ()
    assumes_known: tuple[str, ...] = ()


def card(recipe: Recipe, lineage: Lineage, text: CardText) -> str:
    """The card of a version, in Markdown; the same arguments give the same text."""
    parts = [
        f"# {_plain(lineage.model)}: a {lineage.twin} twin, fitted by {_plain(recipe.algorithm)}",
        *_intended_use(lineage, text),
        *_data(lineage),
        *_algorithm(recipe),
        *_features(recipe),
        *_limits(recipe, lineage, text),
        *_scoring(lineage),
    ]
    return "\n".join(parts) + "\n"


def _intended_use(lineage: Lineage, text: CardText) -> Iterable[str]:
    definition = lineage.definition
    label, frame = definition.label, definition.frame
    owners = ", ".join(map(_plain, text.owners))
    yield from ("", "## Intended use", "")
    if text.description.strip():
        yield from (_plain(" ".join(text.description.split())), "")
    target = _TARGETS[definition.task].format(column=_code(label.column))
    rows = "at" if frame.rows == "snapshot" else "in the period that begins at"
    keys = ", ".join(f"`{_code(name)}`" for name in frame.key)
    yield f"It predicts {target} within {_span(label.horizon)} for each {keys} {rows} as_of,"
    yield f"a new frame every {frame.every}."
    if label.classes:
        yield f"Classes, in order: {', '.join(f'`{_code(name)}`' for name in label.classes)}."
    yield f"Owners: {owners}." if owners else "No owner is declared."


def _span(span: dt.timedelta) -> str:
    """`28 days`, `1 day`, `6 hours`, or as Python writes it where it is neither."""
    for unit, size in (("day", dt.timedelta(days=1)), ("hour", dt.timedelta(hours=1))):
        if span and not span % size:
            return f"{span // size} {unit}{'s' if span > size else ''}"
    return str(span)


def _data(lineage: Lineage) -> Iterable[str]:
    frames = lineage.frames
    rows = sum(pair.labels.rows for pair in frames)
    yield from ("", "## Data", "")
    yield f"{len(frames)} frames, {rows:,} labelled rows{_level(lineage, rows)}. The newest label"
    yield f"was known at {lineage.known_at:%Y-%m-%d %H:%M} UTC: judge it on later frames only."
    if frames:
        yield from ("", "| frame | rows | label mean | labels known at |", "|---|---:|---:|---|")
        yield from map(_row, frames)


def _level(lineage: Lineage, rows: int) -> str:
    if not rows or lineage.definition.task == "multiclass":
        return ""
    mean = sum(pair.labels.rows * pair.labels.mean for pair in lineage.frames) / rows
    said = "base rate" if lineage.definition.task == "binary" else "mean label"
    return f", {said} {mean:.4g}"


def _row(pair: LabelledFrame) -> str:
    labels = pair.labels
    return (
        f"| {pair.as_of:%Y-%m-%d %H:%M} | {labels.rows:,} | {labels.mean:.4g} "
        f"| {labels.known_at:%Y-%m-%d %H:%M} |"
    )


def _algorithm(recipe: Recipe) -> Iterable[str]:
    yield from ("", "## Algorithm", "")
    yield f"{_plain(recipe.algorithm)}, seed {recipe.seed}."
    yield from _values("Options", recipe.options)
    if recipe.calibration != "none":
        yield from ("", f"Its scores are calibrated: {_plain(recipe.calibration)}.")
    if not recipe.members:
        yield from _values("Parameters, as tuned", recipe.parameters)
    for member in recipe.members:
        named = _plain(member.recipe.algorithm)
        yield from ("", f"It mixes, with a weight of {member.weight:.3g}: {named}.")
        yield from _values("Parameters, as tuned", member.recipe.parameters)


def _values(title: str, values: Mapping[str, object]) -> Iterable[str]:
    if values:
        yield from ("", f"{title}:", "")
        yield from (f"- {_plain(name)}: {_plain(str(values[name]))}" for name in sorted(values))


def _features(recipe: Recipe) -> Iterable[str]:
    yield from ("", f"## Features ({len(recipe.features)})", "")
    for column in recipe.features:
        named = " (a category)" if column.name in recipe.categorical else ""
        yield f"- `{_code(column.name)}`: {column.type}{named}"


def _limits(recipe: Recipe, lineage: Lineage, text: CardText) -> Iterable[str]:
    used = {column.name for column in recipe.features}
    assumed = [name for name in text.assumes_known if name in used]
    yield from ("", "## Limits", "")
    if assumed:
        names = ", ".join(f"`{_code(name)}`" for name in assumed)
        yield f"- Assumed to be known at as_of, though in truth known only later: {names}."
        yield "  What it predicts is as good as that assumption."
    yield "- It says what goes together, not what causes what: acting on a feature may change"
    yield "  nothing."
    yield "- It was judged on the rows of its holdout alone: not on other populations, not on a"
    yield "  world that changed since, and for no group of rows beyond the slices that its report"
    yield "  names."
    if lineage.twin == "final":
        yield "- It was fitted anew through the newest labels, by the recipe of the trial twin that"
        yield "  was judged; its own figures are known once the labels of what it scores mature."
    yield "- Categories not seen in training, and rare ones, share one code. Values far outside of"
    yield "  those seen in training were not tested."
    yield "- Fairness was not examined, and nothing was done for privacy beyond what the features"
    yield "  leave out."


def _scoring(lineage: Lineage) -> Iterable[str]:
    name = lineage.model
    yield from ("", "## How to score with it", "")
    yield "As champion, a whole frame at once:"
    yield from ("", "```sh", f"model-refresh score {name} --as-of DATE", "```", "")
    yield "In Python, rows with the features above as columns:"
    yield from (
        "",
        "```python",
        "from pathlib import Path",
        "",
        "from model_refresh.algorithms.version import load_version",
        "from model_refresh.storage import Store",
        "",
        f'store = Store(Path(".model_refresh")).model("{name}")',
        "scores = load_version(store, VERSION).predict(rows)",
        "```",
    )


def _plain(text: str) -> str:
    """Text that Markdown and HTML show as it is, on one line."""
    return (
        _MARKUP.sub(r"\\\1", " ".join(text.split())).replace("\\<", "&lt;").replace("\\&", "&amp;")
    )


def _code(text: str) -> str:
    """Text between backticks: one line, with no backtick of its own."""
    return " ".join(text.split()).replace("`", "'").replace("|", "/")
