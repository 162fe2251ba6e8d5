"""The `tributary` command, as far as it needs no service."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tributary import generated, reporting
from tributary.cli import app
from tributary.registry import load_registry

run = CliRunner().invoke


def test_check_says_that_the_project_is_well():
    result = run(app, ["check"])
    assert result.exit_code == 0, result.output
    assert "6 databases are well" in result.output


def test_check_fails_on_a_derived_file_that_is_stale(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    (tmp_path / "dags.md").write_text("old")
    monkeypatch.setattr(generated, "render", lambda *_: {tmp_path / "dags.md": "new"})
    result = run(app, ["check"])
    assert result.exit_code == 1
    assert "run `tributary generate`" in result.output


def test_generate_writes_what_check_wants(tmp_path: Path):
    include = tmp_path / "include"
    written = generated.write(load_registry(), include)
    assert len(written) == 10
    assert generated.stale(load_registry(), include) == []
    schema = json.loads((include / "schemas" / "databases.schema.json").read_text())
    assert schema["properties"]["databases"]["type"] == "object"


def test_a_malformed_date_is_refused_with_an_example():
    result = run(app, ["run", "--date", "yesterday"])
    assert result.exit_code == 2
    assert "2013-01-31" in result.output


def test_a_rollback_wants_its_reason_and_one_thing_to_do():
    assert "expected the reason in --why" in run(app, ["rollback", "--yes"], env={"COLUMNS": "200"}).output
    for asked in (["--list", "--release"], ["--release", "--to", "x"], ["--list", "--hold"]):
        result = run(app, ["rollback", *asked])
        assert result.exit_code == 2, result.output


def test_a_dump_that_is_cut_is_told_without_a_traceback(tmp_path: Path):
    path = tmp_path / "cut.sql"
    path.write_text("-- MariaDB dump 10.19\n-- Host: localhost    Database: shop_eu\nINSERT INTO `orders` VALUES (1,")
    result = run(app, ["dump", "check", str(path), "--database", "shop_eu"])
    assert result.exit_code == 1
    assert "Traceback" not in result.output


def test_rows_as_csv_keep_commas_and_nulls():
    text = reporting.to_csv([{"a": "x,y", "b": None}, {"a": 1, "b": 2}])
    assert text == 'a,b\n"x,y",\n1,2\n'


def test_an_empty_result_still_has_its_header():
    assert reporting.to_csv([], ["a", "b"]) == "a,b\n"


@pytest.mark.parametrize(
    ("ago", "says"),
    [(timedelta(minutes=5), "5 min ago"), (timedelta(hours=30), "30 h ago"), (timedelta(days=9), "9 days ago")],
)
def test_ages_are_told_in_fitting_units(ago: timedelta, says: str):
    assert reporting._age(datetime.now(UTC) - ago) == says
