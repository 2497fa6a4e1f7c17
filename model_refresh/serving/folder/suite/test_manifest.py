"""Every file that is served is the one that was tested, and a changed one is noticed."""

import hashlib
import shutil
from pathlib import Path

import msgspec
import pytest

from model_refresh.scorer.manifest import MANIFEST, Damaged, Manifest, is_served, verify_folder

SOURCES = {".py", ".c", ".h"}


@pytest.fixture(scope="module")
def files(folder: Path) -> dict[str, str]:
    """The digest of each file that is served, as the manifest has it."""
    listed = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest).files
    return {name: digest for name, digest in listed.items() if is_served(name)}


def test_each_file_has_the_bytes_of_the_manifest(folder: Path, files: dict[str, str]) -> None:
    found = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in files}
    assert found == files


def test_the_scorer_has_no_module_that_the_manifest_lacks(
    folder: Path, files: dict[str, str]
) -> None:
    sources = [path for path in (folder / "scorer").rglob("*") if path.suffix in SOURCES]
    assert {path.relative_to(folder).as_posix() for path in sources} == {
        name for name in files if name.startswith("scorer/")
    }


@pytest.mark.parametrize("name", ["formula.json", "golden.json", "scorer/formula/scoring.py"])
def test_a_changed_byte_is_noticed(
    folder: Path, files: dict[str, str], tmp_path: Path, name: str
) -> None:
    copy(folder, tmp_path, files)
    verify_folder(tmp_path)
    damaged = bytearray((folder / name).read_bytes())
    damaged[len(damaged) // 2] ^= 1
    (tmp_path / name).write_bytes(damaged)
    with pytest.raises(Damaged, match=name):
        verify_folder(tmp_path)


def test_an_added_module_is_noticed(folder: Path, files: dict[str, str], tmp_path: Path) -> None:
    copy(folder, tmp_path, files)
    (tmp_path / "scorer" / "added.py").write_bytes(b"")
    with pytest.raises(Damaged, match=r"added\.py"):
        verify_folder(tmp_path)


def test_a_manifest_that_lists_nothing_is_noticed(
    folder: Path, files: dict[str, str], tmp_path: Path
) -> None:
    copy(folder, tmp_path, files)
    (tmp_path / MANIFEST).write_bytes(msgspec.json.encode(Manifest({})))
    with pytest.raises(Damaged, match="list"):
        verify_folder(tmp_path)


def copy(folder: Path, to: Path, files: dict[str, str]) -> None:
    """What is served of the folder, with its manifest."""
    for each in [MANIFEST, *files]:
        (to / each).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / each, to / each)
