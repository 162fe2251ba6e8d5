"""Every case that the suite claims has a test, and every gap is named."""

from __future__ import annotations

from pathlib import Path

from tests.support.catalogue import CASES, NOT_AUTOMATED, automated

TESTS = Path(__file__).parents[1]


def test_every_case_has_a_test_or_is_a_known_gap():
    found = automated(TESTS)
    assert found <= CASES.keys(), "a marker names a case that the catalogue lacks"
    assert CASES.keys() - found == NOT_AUTOMATED, "NOT_AUTOMATED must name the cases without a test, and no other"


def test_ids_are_found_alone_and_several_in_one(tmp_path: Path):
    (tmp_path / "test_one.py").write_text(
        "import pytest\n@pytest.mark.case('F1, F2', 'what', expected='x')\ndef test_it(): ...\n"
        "ROWS = [pytest.param(1, marks=pytest.mark.case('B3', 'what', expected='x'))]\n"
    )
    assert automated(tmp_path) == set("F1 F2 B3".split())
