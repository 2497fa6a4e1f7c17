"""A store that is copied while a refresh runs is whole where it is restored."""

import subprocess
import threading
from pathlib import Path

import pytest

from model_refresh.storage import Store
from model_refresh.storage.verify import verify
from model_refresh_tests.conftest import SECOND
from model_refresh_tests.lab import Lab

SCRIPT = Path(__file__).parents[2] / "deploy" / "backup.sh"


def back_up(store: Path, archive: Path) -> None:
    done = subprocess.run([SCRIPT, store, archive], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def restored(archive: Path, place: Path) -> Store:
    place.mkdir()
    subprocess.run(["tar", "--extract", "--file", archive, "--directory", place], check=True)
    return Store(place)


def test_copies_made_while_a_refresh_runs_are_whole(lab: Lab, tmp_path: Path) -> None:
    under_way = threading.Thread(target=lab.refresh, args=(SECOND,))
    under_way.start()
    archives: list[Path] = []
    while under_way.is_alive() and len(archives) < 40:
        archives.append(tmp_path / f"{len(archives)}.tar")
        back_up(lab.home, archives[-1])
        under_way.join(0.1)
    under_way.join()
    assert archives
    for number, archive in enumerate(archives):
        store = restored(archive, tmp_path / f"restored-{number}")
        assert list(verify(store, store.models())) == []
        assert store.model(lab.model.name).champion.last() is not None


def test_a_refresh_goes_on_from_a_restored_copy(lab: Lab, tmp_path: Path) -> None:
    archive = tmp_path / "store.tar"
    back_up(lab.home, archive)
    there = restored(archive, tmp_path / "restored")
    moved = Lab(lab.fleet, tmp_path / "restored", lab.model, there.model(lab.model.name))
    assert moved.refresh(SECOND).decision == "promote"
    assert list(verify(there, there.models())) == []


def test_what_is_no_store_is_refused(tmp_path: Path) -> None:
    done = subprocess.run(
        [SCRIPT, tmp_path / "none", tmp_path / "a.tar"], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (2, "usage: backup.sh STORE ARCHIVE.tar\n")


@pytest.mark.parametrize("name", ["leases", "studies"])
def test_a_model_may_be_called_as_what_is_left_out(tmp_path: Path, name: str) -> None:
    model = tmp_path / "store" / name
    kept = {"champion/00001.json", "versions/a/model.txt"}
    for path in sorted(kept | {"leases/00001.json", "studies/a/journal.log"}):
        (model / path).parent.mkdir(parents=True)
        (model / path).write_text("{}")
    back_up(tmp_path / "store", tmp_path / "store.tar")
    place = restored(tmp_path / "store.tar", tmp_path / "restored").root / name
    there = {str(path.relative_to(place)) for path in place.rglob("*") if path.is_file()}
    assert there == kept
