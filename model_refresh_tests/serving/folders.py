"""Generated folders as bytes by path, whole and damaged."""

from collections.abc import Mapping

from msgspec.structs import replace

from model_refresh.scorer.formula.formula import Formula
from model_refresh.scorer.golden import Case, Golden
from model_refresh.scorer.http.settings import Settings
from model_refresh.scorer.manifest import MANIFEST
from model_refresh.serving.folder.assembly import manifest_of, scorer_files
from model_refresh_tests.scorer.factories import ROW, make_formula, make_golden

Files = Mapping[str, bytes]


def make_files(
    formula: Formula | None = None, settings: Settings | None = None
) -> dict[str, bytes]:
    """The folder of a small formula."""
    formula = formula or make_formula(task="regression")
    return scorer_files(formula, make_strange(formula), settings or Settings())


def make_batch(formula: Formula | None = None) -> Golden:
    """What a batch gives to rows of its frame."""
    return make_golden(formula or make_formula(task="regression"), rows=9)


def make_strange(formula: Formula) -> Golden:
    """Golden rows, the last of them with a category that was not learned from."""
    golden = make_golden(formula)
    row = dict(ROW) | {"plan": "unheard of"}
    case = Case(row, formula.ready().score(row), "category")
    return replace(golden, cases=(*golden.cases, case))


def changed(files: Files, name: str, old: bytes, new: bytes) -> dict[str, bytes]:
    """Damaged by somebody who also wrote the manifest anew."""
    assert old in files[name]
    others = {each: content for each, content in files.items() if each != MANIFEST}
    others[name] = files[name].replace(old, new, 1)
    return others | {MANIFEST: manifest_of(others)}
