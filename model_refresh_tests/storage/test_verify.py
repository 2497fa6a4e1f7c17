"""Verify: what differs from what was stored is found, wherever it lies, and named."""

import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from model_refresh import pipeline
from model_refresh.storage import Store
from model_refresh.storage.verify import verify
from model_refresh_tests.conftest import SECOND
from model_refresh_tests.lab import NAME, Lab, copy_lab
from model_refresh_tests.storage.test_folder import DAMAGES

UNSEEN = ("refreshes/*/promotion/*.json", "scores/*/*.json", "drift/*/*.json", "estimates/*/*.json")
"""Last lines that nothing rests on: their loss can't be seen, and the step writes them again."""


@pytest.fixture(scope="module")
def stored(refreshed: Lab, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """A store with something of every kind: two champions, and a batch of scores."""
    lab = copy_lab(refreshed, tmp_path_factory.mktemp("verify"))
    assert lab.refresh(SECOND).entry == 2
    assert pipeline.score(lab.model, lab.store, lab.day(SECOND)) is not None
    return lab


@pytest.fixture(autouse=True)
def whole(stored: Lab) -> Iterator[None]:
    """Each test leaves the store as it found it."""
    assert problems(stored) == []
    yield
    assert problems(stored) == []


def problems(lab: Lab) -> list[str]:
    return list(verify(Store(lab.home), [NAME]))


def files_of(lab: Lab) -> list[Path]:
    return sorted(path for path in lab.home.rglob("*") if path.is_file())


def kinds_of(lab: Lab) -> set[str]:
    return {path.relative_to(lab.store.root).parts[0] for path in files_of(lab)}


def name(found: list[str], path: Path) -> bool:
    return any(str(path) in problem for problem in found)


def test_a_store_that_is_whole_has_no_problem(stored: Lab) -> None:
    kinds = {"champion", "frames", "labels", "predictions", "refreshes", "scores", "versions"}
    assert kinds_of(stored) == kinds | {"drift", "estimates"}
    assert problems(stored) == []


@pytest.mark.parametrize("seed", range(2))
def test_one_flipped_byte_in_any_file_is_found_and_the_file_is_named(
    stored: Lab, seed: int
) -> None:
    rng = random.Random(seed)
    for path in files_of(stored):
        content = path.read_bytes()
        place, other = rng.randrange(len(content)), rng.randrange(1, 256)
        path.write_bytes(content[:place] + bytes([content[place] ^ other]) + content[place + 1 :])
        assert name(problems(stored), path), f"byte {place} of {path}"
        path.write_bytes(content)


@pytest.mark.parametrize("pattern", ["champion/00000002.json", "versions/*/manifest.json"])
def test_one_flipped_bit_at_any_place_of_what_champions_rest_on_is_found(
    stored: Lab, pattern: str
) -> None:
    path = sorted(stored.store.root.glob(pattern))[0]
    content = path.read_bytes()
    for place in range(0, len(content), 13):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        assert name(problems(stored), path), f"byte {place}"
    path.write_bytes(content)


def test_any_deleted_file_is_missed(stored: Lab) -> None:
    """By name, or where it was the last line of its log by what rests on it."""
    unseen = [path for pattern in UNSEEN for path in stored.store.root.glob(pattern)]
    for path in set(files_of(stored)) - set(unseen):
        content = path.read_bytes()
        path.unlink()
        found = problems(stored)
        place = path if path.parent.name != "champion" and not path.stem.isdigit() else path.parent
        assert name(found, place) or name(found, place.parent), path
        assert not [each for each in found if "remove it" in each], "nothing is to be removed"
        path.write_bytes(content)


def test_the_last_champion_is_missed_by_the_refresh_that_promoted_it(stored: Lab) -> None:
    path = stored.store.champion.path(2)
    kept = path.read_bytes()
    path.unlink()
    assert f"{path} is missing" in problems(stored)[0]
    path.write_bytes(kept)


def test_any_deleted_thing_is_missed(stored: Lab, tmp_path: Path) -> None:
    for manifest in sorted(stored.home.rglob("manifest.json")):
        shutil.move(manifest.parent, tmp_path / "kept")
        assert name(problems(stored), manifest)
        shutil.move(tmp_path / "kept", manifest.parent)


def test_any_extra_file_is_named_and_is_to_be_removed(stored: Lab) -> None:
    folders = sorted({path.parent for path in files_of(stored)} | {stored.store.root})
    for extra in [folder / each for folder in folders for each in ("model.pkl", "1.json")]:
        extra.write_bytes(b"cos\nsystem\n.")
        (problem,) = problems(stored)
        assert problem.startswith(str(extra))
        assert problem.endswith("nothing reads it, remove it")
        extra.unlink()


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize(
    "pattern", ["champion/00000001.json", "versions/*/model.json", "frames/*/*/*/manifest.json"]
)
def test_what_stands_in_a_files_place_is_named(
    stored: Lab, tmp_path: Path, damage: Callable[[Path], None], pattern: str
) -> None:
    lab = copy_lab(stored, tmp_path)
    path = sorted(lab.store.root.glob(pattern))[0]
    damage(path)
    assert name(problems(lab), path)


def test_a_link_in_a_folders_place_is_named(stored: Lab, tmp_path: Path) -> None:
    lab = copy_lab(stored, tmp_path)
    version = lab.store.versions_folder / lab.store.versions()[0]
    version.rename(tmp_path / "elsewhere")
    version.symlink_to(tmp_path / "elsewhere")
    assert name(problems(lab), version)


def test_a_line_from_the_future_is_not_waited_for(stored: Lab, tmp_path: Path) -> None:
    lab = copy_lab(stored, tmp_path)
    shutil.copy(lab.store.champion.path(2), lab.store.champion.path(99_999_999))
    found = problems(lab)
    assert name(found, lab.store.champion.path(3))
    assert name(found, lab.store.champion.path(99_999_999))


def test_a_model_of_which_nothing_is_stored_is_a_problem(stored: Lab) -> None:
    (problem,) = verify(Store(stored.home), ["visit"])
    assert "nothing is stored of visit" in problem
