"""A stored folder: every read is verified, damage is named, planted files are never opened."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from model_refresh.errors import CorruptError, ModelRefreshError, NotStored
from model_refresh.storage.folder import StoredFolder, drafting, open_folder


def make_folder(parent: Path, content: bytes = b"tree\nsplit=1.5\n") -> StoredFolder:
    with drafting(parent) as draft:
        (draft.path / "model.txt").write_bytes(content)
        (draft.path / "recipe.json").write_bytes(b"{}")
        return draft.publish(kind="version", inputs={"dataset": "d"}, libraries={"numpy": "2"})


def test_a_folder_reads_back(tmp_path: Path) -> None:
    stored = make_folder(tmp_path)
    again = open_folder(stored.path)
    assert again.digest == stored.digest
    assert stored.path.name == stored.digest[:16]
    assert again.read("model.txt") == b"tree\nsplit=1.5\n"
    assert list(again.problems()) == []


def test_the_same_bytes_get_the_same_name_and_one_folder(tmp_path: Path) -> None:
    assert make_folder(tmp_path).path == make_folder(tmp_path).path
    assert len(list(tmp_path.iterdir())) == 1


def test_a_draft_that_is_not_published_vanishes(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), drafting(tmp_path) as draft:
        (draft.path / "model.txt").write_bytes(b"half")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


FULL_DISK = """
import resource, sys
from pathlib import Path
import polars as pl, pyarrow.parquet as pq
from model_refresh.errors import StoreWriteError
from model_refresh.storage.folder import drafting
rows = pl.DataFrame({"a": range(100_000)}).with_columns(pl.col("a").hash())
table = rows.to_arrow()
writers = [
    rows.write_parquet,
    rows.lazy().sink_parquet,
    lambda path: pq.write_table(table, path),
    lambda path: path.write_text("tree" * 10_000),
]
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
for write in writers:
    try:
        with drafting(Path(sys.argv[1])) as draft:
            write(draft.path / "file")
    except StoreWriteError as error:
        print(error.transient, error)
"""


def test_a_full_disk_is_told_alike_by_whatever_library_meets_it(tmp_path: Path) -> None:
    """Each of them leaves a file that is cut off: in the draft, where nobody reads it."""
    command = [sys.executable, "-c", FULL_DISK, str(tmp_path)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    told = rf"True could not write below {tmp_path}, (0|10000) bytes were: File too large\. Nothing"
    assert [bool(re.match(told, line)) for line in answer.stdout.splitlines()] == [True] * 4
    assert list(tmp_path.iterdir()) == []


def test_another_error_in_a_draft_is_not_taken_for_the_disks(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), drafting(tmp_path) as draft:
        (draft.path / "gone").read_bytes()


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def _remove(path: Path) -> None:
    path.unlink()


def _link(path: Path) -> None:
    elsewhere = path.parent.parent / "elsewhere"
    elsewhere.write_bytes(path.read_bytes())
    path.unlink()
    path.symlink_to(elsewhere)


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


DAMAGES = [_flip, _cut, _remove, _link, _folder, _pipe]


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", ["model.txt", "manifest.json"])
def test_damage_is_seen_before_any_parser_sees_it(
    tmp_path: Path, damage: Callable[[Path], None], name: str
) -> None:
    stored = make_folder(tmp_path)
    damage(stored.path / name)
    with pytest.raises((CorruptError, NotStored), match=name):
        open_folder(stored.path).read("model.txt")


@pytest.mark.parametrize("damage", DAMAGES)
def test_publishing_the_same_bytes_again_heals_a_damaged_folder(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    stored = make_folder(tmp_path)
    damage(stored.path / "model.txt")
    assert make_folder(tmp_path).read("model.txt") == b"tree\nsplit=1.5\n"
    aside = list(tmp_path.glob(".damaged-*"))
    assert len(aside) == 1, "what was damaged is kept for a person to look at"


def test_a_planted_file_is_named_and_never_opened(tmp_path: Path) -> None:
    stored = make_folder(tmp_path)
    planted = stored.path / "model.pkl"
    planted.write_bytes(b"cos\nsystem\n(S'touch canary'\ntR.")
    with pytest.raises(NotStored, match="not in the manifest"):
        stored.read("model.pkl")
    assert any("model.pkl" in problem for problem in stored.problems())


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", ".hidden", "a/b", "", "a\0b"])
def test_a_manifest_names_plain_files_only(tmp_path: Path, name: str) -> None:
    stored = make_folder(tmp_path)
    text = (stored.path / "manifest.json").read_text()
    (stored.path / "manifest.json").write_text(
        text.replace("model.txt", name.replace("\0", "\\u0000"))
    )
    with pytest.raises(ModelRefreshError):
        open_folder(stored.path)
