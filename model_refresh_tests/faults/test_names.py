"""Names from outside, however odd or hostile, stay names."""

import re
from pathlib import Path

import pytest

from model_refresh import pipeline
from model_refresh.algorithms.version import load_version
from model_refresh.errors import ConfigError, DataError, EngineError, ModelRefreshError
from model_refresh_tests.conftest import FIRST
from model_refresh_tests.faults.world import champions, recorded, with_sql
from model_refresh_tests.lab import Lab, make_lab
from model_refresh_tests.storage.test_store import HOSTILE

ODD = ["größe €", 'a "quoted" name', "semi;colon'--", "x" * 10_000, "列", "f0", "a,b", "[1]", "\t"]


def test_odd_column_names_go_through_a_whole_refresh(tmp_path: Path) -> None:
    lab = make_lab(tmp_path, {"training.candidates": [{"algorithm": "lightgbm", "rounds": 20}]})
    quoted = [name.replace('"', '""') for name in ODD]
    odd = "".join(f', sum(visited) + {i} AS "{name}"' for i, name in enumerate(quoted))
    sql = (
        (lab.folder / "features.sql").read_text().replace(" AS most_spent", f" AS most_spent{odd}")
    )
    lab = with_sql(lab, sql).again(
        {
            "training.candidates": [
                {"algorithm": "constant"},
                {"algorithm": "lightgbm", "rounds": 20},
            ]
        }
    )
    assert lab.refresh(FIRST).decision == "promote"
    version = load_version(lab.store, champions(lab)[0])
    assert set(ODD) < {column.name for column in version.recipe.features}
    text = (lab.store.versions_folder / version.name / "model.txt").read_text()
    names = next(line for line in text.splitlines() if line.startswith("feature_names="))
    assert re.fullmatch(r"feature_names=f0( f\d+)*", names)
    assert pipeline.score(lab.model, lab.store, lab.day(FIRST)) is not None


def test_columns_that_are_equal_once_normalised_stop_a_refresh(fresh: Lab) -> None:
    sql = (fresh.folder / "features.sql").read_text()
    lab = with_sql(fresh, sql.replace("AS most_spent", 'AS "Visits "'))
    with pytest.raises(EngineError, match="have the same name once case and Unicode form"):
        lab.refresh(FIRST)
    assert recorded(lab, FIRST) == []


@pytest.mark.parametrize("key", [*HOSTILE, "1998-03-02'; DROP TABLE visits; --", "1998-03-02\0"])
def test_a_partition_key_that_is_no_instant_is_refused(refreshed: Lab, key: str) -> None:
    with pytest.raises(ModelRefreshError) as refusal:
        refreshed.model.cadence.parse(key)
    assert len(str(refusal.value).splitlines()) == 1


@pytest.mark.parametrize("name", ["labels", "key", "event_time"])
def test_names_in_a_declaration_are_names_and_never_sql(fresh: Lab, name: str) -> None:
    """A column that no query gives is said to be missing, whatever its name would do in SQL."""
    hostile = 'x" FROM visits; DROP TABLE visits; --'
    changes: dict[str, dict[str, object]] = {
        "labels": {"label.column": hostile},
        "key": {"frame.key": hostile},
        "event_time": {"frame.rows": "event", "frame.event_time": hostile},
    }
    before = fresh.rows()
    with pytest.raises((DataError, ConfigError), match="DROP TABLE"):
        fresh.again(changes[name]).refresh(FIRST)
    assert fresh.rows().equals(before)
