"""A generated folder: a scorer of one version that needs nothing of model_refresh.

The runtime and the suite are copied as they are; what is of this version alone is data. The same
version gives the same bytes, where the same libraries are installed.
"""

import hashlib
import json
import platform
from collections.abc import Mapping
from pathlib import Path

import msgspec

from model_refresh.errors import FitError
from model_refresh.scorer.formula.errors import ScorerError
from model_refresh.scorer.formula.formula import Formula
from model_refresh.scorer.golden import Golden
from model_refresh.scorer.http.served import Served
from model_refresh.scorer.http.settings import Settings
from model_refresh.scorer.manifest import FORMULA, GOLDEN, MANIFEST, SETTINGS, Manifest
from model_refresh.serving.folder.archive import write_files
from model_refresh.serving.folder.pins import RUNTIME, TESTS, pins, requirements
from model_refresh.serving.folder.runtime import SINGLE_FILE_TEST, copied_files
from model_refresh.serving.folder.single_file import single_file
from model_refresh.serving.folder.texts import Facts, write_texts

REQUIREMENTS, TEST_REQUIREMENTS = "requirements.txt", "requirements-test.txt"


def write_scorer(formula: Formula, golden: Golden, settings: Settings, to: Path) -> None:
    """Write the folder; raises FitError as `scorer_files` does."""
    write_files(scorer_files(formula, golden, settings), to)


def scorer_files(formula: Formula, golden: Golden, settings: Settings) -> dict[str, bytes]:
    """By path below the folder, the bytes of each file, the manifest included.

    Raises FitError where the formula gives a golden row another score than the batch, or what the
    folder is to install isn't installed here.
    """
    try:
        served = Served.made(formula, golden, settings)
    except ScorerError as error:
        raise FitError(f"no scorer of version {formula.version}: {error}") from error
    single = single_file(formula)
    files = {
        **_copied(is_single=single is not None),
        FORMULA: formula.encode(),
        GOLDEN: golden.encode(),
        SETTINGS: msgspec.json.encode(settings),
        "openapi.json": json.dumps(json.loads(served.document), indent=1).encode(),
        **{name: text.encode() for name, text in _requirements(formula).items()},
    }
    if single is not None:
        files[single_name(formula)] = single.encode()
    facts = Facts(
        served=served,
        golden=golden,
        single=single_name(formula) if single is not None else None,
        python=python_version(),
        runtime=tuple(pins(RUNTIME)),
    )
    files |= {name: text.encode() for name, text in write_texts(facts).items()}
    return dict(sorted((files | {MANIFEST: manifest_of(files)}).items()))


def manifest_of(files: Mapping[str, bytes]) -> bytes:
    """The manifest of these files, by path."""
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())}
    return msgspec.json.format(msgspec.json.encode(Manifest(digests)), indent=1)


def single_name(formula: Formula) -> str:
    """What the single file is called."""
    return f"{formula.model}_score.py"


def python_version() -> str:
    """The Python that a folder is generated and tested with, such as 3.11."""
    return ".".join(platform.python_version_tuple()[:2])


def _copied(*, is_single: bool) -> dict[str, bytes]:
    copied = copied_files()
    if not is_single:
        del copied[SINGLE_FILE_TEST]
    return copied


def _requirements(formula: Formula) -> dict[str, str]:
    of = f"of the scorer of {formula.model}, version {formula.version}"
    with_python = f"as tested with Python {python_version()} on {platform.system()}"
    return {
        REQUIREMENTS: requirements(pins(RUNTIME), about=f"What {of}, runs with, {with_python}."),
        TEST_REQUIREMENTS: requirements(
            pins(TESTS), about=f"The same, and what the suite {of}, runs with, {with_python}."
        ),
    }
