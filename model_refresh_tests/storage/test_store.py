"""The store's layout: names from outside can't leave their folder."""

import datetime as dt
from pathlib import Path

import pytest

from model_refresh.errors import StoreError
from model_refresh.storage import Store
from model_refresh.storage.store import stamp

HOSTILE = [
    "..", "../visits", "..%2fvisits", "/etc", "visits/../../etc", "visits\0", "visits\n", "\nvisits",
    "", ".", ".tmp-x", "visits ", "Visits", "vísits", "visits\uff45", "1visits", "v" * 64,
    "visits; drop table visits", "visits'--", "$(touch canary)", "~root", "C:\\visits",
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_plain_name_reaches_no_folder(tmp_path: Path, name: str) -> None:
    store = Store(tmp_path / "home")
    with pytest.raises(StoreError, match="accepted: "):
        store.model(name)
    with pytest.raises(StoreError, match="accepted: "):
        store.model("visits").candidates(dt.datetime(2024, 1, 1, tzinfo=dt.UTC), name)
    with pytest.raises(StoreError, match="16 hex digits are expected"):
        store.model("visits").version(name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("version", ["0" * 15, "0" * 17, "0" * 16 + "\n", "A" * 16, "0" * 15 + "/"])
def test_a_version_is_sixteen_hex_digits(tmp_path: Path, version: str) -> None:
    with pytest.raises(StoreError, match="16 hex digits are expected"):
        Store(tmp_path).model("visits").version(version)


def test_only_models_are_listed(tmp_path: Path) -> None:
    for name in ("visits", "a1_b", "Other", ".tmp-vm-1-x", "lost+found"):
        (tmp_path / name).mkdir()
    assert Store(tmp_path).models() == ["a1_b", "visits"]
    assert Store(tmp_path / "gone").models() == []


def test_an_instant_is_named_by_its_date_or_minute() -> None:
    day = dt.datetime(1998, 3, 2, tzinfo=dt.UTC)
    assert [stamp(day), stamp(day.replace(hour=12))] == ["1998-03-02", "1998-03-02T12:00"]


def test_only_the_stamps_of_refreshes_are_instants(tmp_path: Path) -> None:
    model = Store(tmp_path).model("churn")
    instants = [dt.datetime(2026, 3, 2, tzinfo=dt.UTC), dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)]
    strays = ["lost+found", "20260302", "2026-13-99", "2026-03-02T12:00+02:00", "2026-03-02 copy"]
    for name in [*map(stamp, instants), *strays]:
        (tmp_path / "churn" / "refreshes" / name).mkdir(parents=True)
    assert model.refreshed() == instants
