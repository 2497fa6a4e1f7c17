"""The model card: all that the version stores, the same each time, and no markup from names."""

import pytest

from model_refresh.algorithms.card import CardText, card
from model_refresh.records import Column, Definition, FrameQuery, LabelQuery, Lineage, Recipe, Task
from model_refresh_tests.gates.factories import MONDAY
from model_refresh_tests.report.factories import EVIL, WEEK, make_frame, make_recipe

TEXT = CardText(
    description="Will a customer\nbuy again?",
    owners=("team:crm",),
    assumes_known=("recency", "weather"),
)


def made(task: Task = "binary", *, twin: str = "final", column: str = "repurchased") -> Lineage:
    frame = FrameQuery(sql="SELECT 1", key=("customer_id",), rows="snapshot", every="7d")
    label = LabelQuery(
        sql=None, column=column, horizon=4 * WEEK, maturity=WEEK, missing="error",
        classes=("gold", "none") if task == "multiclass" else (),
    )  # fmt: skip
    return Lineage(
        model="repurchase",
        twin=twin,
        definition=Definition(task=task, frame=frame, label=label),
        frames=tuple(make_frame(MONDAY - n * WEEK) for n in (6, 5)),
        known_at=MONDAY,
    )


def test_it_tells_what_the_version_is() -> None:
    told = card(make_recipe("segment"), made(), TEXT)
    for line in [
        "# repurchase: a final twin, fitted by lightgbm",
        "Will a customer buy again?",
        "It predicts the probability that `repurchased` is 1 within 28 days for each",
        "2 frames, 4,715 labelled rows, base rate 0.1225.",
        "| 1998-01-19 00:00 | 2,333 | 0.119 | 1998-02-16 00:00 |",
        "- num\\_leaves: 31",
        "- `segment`: text (a category)",
        "Assumed to be known at as_of, though in truth known only later: `recency`.",
        "model-refresh score repurchase --as-of DATE",
    ]:
        assert line in told
    assert "weather" not in told


@pytest.mark.parametrize("task", ["binary", "regression", "multiclass"])
@pytest.mark.parametrize("twin", ["trial", "final"])
def test_every_kind_has_every_part_and_the_same_text_twice(task: Task, twin: str) -> None:
    arguments = (make_recipe("segment"), made(task, twin=twin), CardText())
    told = card(*arguments)
    titles = [line for line in told.split("\n") if line.startswith("## ")]
    assert titles == [
        "## Intended use", "## Data", "## Algorithm", "## Features (5)", "## Limits",
        "## How to score with it",
    ]  # fmt: skip
    assert told == card(*arguments)
    assert "No owner is declared." in told


def test_names_are_no_markup() -> None:
    evil = f"{EVIL}`](x)\n# head"
    recipe = Recipe(
        algorithm="linear", options={}, parameters={"a*b": evil}, categorical=(), seed=1,
        features=(Column(name=evil, type="text", stored_as="VARCHAR"),),
    )  # fmt: skip
    told = card(recipe, made(column=evil), CardText(description=evil, owners=(evil,)))
    assert "\n# head" not in told
    outside = "".join(told.replace("```", "").replace("\\`", "").split("`")[::2])
    assert "<" not in outside.replace("&lt;", "")
