"""Production's time, which a simulation tells by a file."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from simulator.clock import tell_time
from tributary import clock
from tributary.dates import logical_date
from tributary.errors import TributaryError
from tributary.registry import load_registry

SOON = timedelta(seconds=30)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "cloud" / "clock"
    monkeypatch.setenv("TRIBUTARY_CLOCK_FILE", str(path))
    return path


def is_real(moment: datetime) -> bool:
    return abs(moment - datetime.now(UTC)) < SOON


def test_it_is_the_real_time_unless_a_file_tells_another(file: Path, monkeypatch: pytest.MonkeyPatch):
    assert is_real(clock.now())
    monkeypatch.delenv("TRIBUTARY_CLOCK_FILE")
    assert is_real(clock.now())


@pytest.mark.parametrize(("hours", "at_least"), [(0, 0), (5, 5), (20, 20), (50, 20), (-3, 0)])
def test_it_goes_on_from_when_the_file_was_written_for_less_than_a_day(file: Path, hours: int, at_least: int):
    tell_time(date(2013, 1, 2))
    written = datetime.now(UTC).timestamp() - hours * 3600
    os.utime(file, (written, written))
    expected = datetime(2013, 1, 2, 2, tzinfo=UTC) + timedelta(hours=at_least)
    assert timedelta(0) <= clock.now() - expected < SOON


def test_a_simulated_day_begins_at_the_hour_of_the_schedule(file: Path):
    tell_time(date(2013, 1, 2))
    begins = datetime.fromisoformat(file.read_text().strip())
    assert begins == logical_date(date(2013, 1, 2), load_registry().defaults.schedule)


def test_the_simulation_sets_the_clock_neither_back_nor_anew(file: Path):
    tell_time(date(2013, 1, 2))
    os.utime(file, (1, 1))
    for day in (date(2013, 1, 1), date(2013, 1, 2)):
        tell_time(day)
    assert file.stat().st_mtime == 1
    tell_time(date(2013, 1, 3))
    assert clock.now().date() == date(2013, 1, 3)


def test_nothing_is_written_where_nobody_asks(tmp_path: Path):
    tell_time(date(2013, 1, 2), {})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["", "soon", "2013-01-02T02:00:00"])
def test_what_is_no_time_is_refused_with_an_example(file: Path, text: str):
    file.parent.mkdir()
    file.write_text(text)
    with pytest.raises(TributaryError, match=r"expected a time such as 2013-01-31T02:00:00Z"):
        clock.now()
