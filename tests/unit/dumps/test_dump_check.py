"""`tributary dump check` on local files."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tributary.cli import app

DumpWith = Callable[[bytes], bytes]
run = CliRunner().invoke


@pytest.fixture
def dump(tmp_path: Path, dump_with: DumpWith) -> Path:
    """A good dump of `shop_eu` whose tables are not those of the contract."""
    path = tmp_path / "dump.sql.gz"
    path.write_bytes(gzip.compress(dump_with(b"")))
    return path


def test_a_good_dump_of_any_database(dump: Path) -> None:
    result = run(app, ["dump", "check", str(dump)])
    assert (result.exit_code, result.stderr) == (0, "")
    assert "dump of shop_eu for any database: may be imported" in result.stdout
    assert "t: 2" in result.stdout


def test_the_same_as_json(dump: Path) -> None:
    result = run(app, ["dump", "check", str(dump), "--format", "json"])
    assert result.exit_code == 0
    report = json.loads(result.stdout)
    assert (report["ok"], report["tables"], report["compression"]) == (True, {"t": 2}, "gzip")
    assert report["compressed_bytes"] == dump.stat().st_size


def test_standard_input(dump_with: DumpWith) -> None:
    assert run(app, ["dump", "check", "-"], input=dump_with(b"")).exit_code == 0
    assert run(app, ["dump", "check", "-"], input=dump_with(b"")[:-1]).exit_code == 1


def test_a_database_of_the_registry_is_checked_by_its_contract(dump: Path) -> None:
    result = run(app, ["dump", "check", str(dump), "--database", "shop_eu"])
    assert result.exit_code == 1
    assert "expected table 'orders' by the contract" in result.stdout
    assert "whole and safe to import" in result.stderr


def test_another_name_is_the_one_in_the_header(dump: Path) -> None:
    result = run(app, ["dump", "check", str(dump), "--database", "unheard_of", "-f", "json"])
    assert result.exit_code == 1
    assert [finding["code"] for finding in json.loads(result.stdout)["findings"]] == ["wrong_database"]
    assert "expected a dump of 'unheard_of'" in result.stderr


@pytest.mark.parametrize("stored", [b"", b"PK\x03\x04rest", gzip.compress(b"SET a;")[:-3]], ids=["empty", "zip", "cut"])
def test_what_cannot_be_read_is_told_on_stderr(stored: bytes, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(stored)
    result = run(app, ["dump", "check", str(tmp_path / "x"), "--format", "json"])
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("expected ")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    result = run(app, ["dump", "check", str(tmp_path / "none.sql")])
    assert (result.exit_code, result.stdout) == (1, "")
    assert "none.sql" in result.stderr


def test_airflow_is_not_imported(dump: Path) -> None:
    code = (
        "import sys; sys.argv[0] = 'tributary'\n"
        "from tributary.cli import app\n"
        "try: app()\n"
        "finally: print([name for name in sys.modules if name.split('.')[0] == 'airflow'], file=sys.stderr)\n"
    )
    command = [sys.executable, "-c", code, "dump", "check", str(dump), "--database", "other"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=120, env={"PYTHONPATH": "plugins"}
    )
    assert done.stdout.startswith("dump of shop_eu")
    assert done.stderr.splitlines()[-1] == "[]"
