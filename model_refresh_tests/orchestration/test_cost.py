"""Every step tells what it used, as floats that plot."""

import dagster as dg
import pytest

from model_refresh.orchestration.metadata import with_cost
from model_refresh.records import Cost
from model_refresh_tests.lab import Lab
from model_refresh_tests.orchestration.runs import materialize, metadata_of

COST = Cost(seconds=2.0, cpu_seconds=1.0, peak_mib=300.0)


def test_a_step_that_is_not_measured_by_itself_is_measured_by_the_shell(lab: Lab) -> None:
    result = materialize(lab, ["features"])
    told = metadata_of(result, "features")
    for name in ("seconds", "cpu_seconds", "peak_mib"):
        assert isinstance(told[name], dg.FloatMetadataValue)
    assert told["seconds"].value > 0  # type: ignore[operator]


@pytest.mark.parametrize("own", [{}, {"seconds": dg.MetadataValue.float(44.0)}])
def test_what_a_step_tells_of_its_own_cost_stands(own: dict[str, dg.MetadataValue]) -> None:
    given: dg.MaterializeResult[None] = dg.MaterializeResult(metadata={"rows": 3, **own})
    told = with_cost(given, COST).metadata or {}
    assert told["rows"] == 3
    assert told["cpu_seconds"] == dg.MetadataValue.float(1.0)
    assert told["seconds"] == own.get("seconds", dg.MetadataValue.float(2.0))
