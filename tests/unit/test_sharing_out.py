"""What one of several processes gets at a time."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

import pytest

from tests.support.workers import TOGETHER, LoadServicesScheduling


class Work(LoadServicesScheduling):
    """A queue of its own, and what is taken from it."""

    def __init__(self, *tests: str) -> None:
        self.workqueue = OrderedDict()
        for test in tests:
            self.workqueue.setdefault(self._split_scope(test), {})[test] = False

    def next(self) -> list[str]:
        self._longest_first()
        _, tests = self.workqueue.popitem(last=False)
        return list(tests)


def test_a_folder_with_services_is_one_piece_and_the_longest_comes_first():
    short, other = "tests/unit/test_a.py::test_it", "tests/unit/test_b.py::test_it"
    alerts = ["tests/integration/alerts/test_a.py::test_it[a::b]", "tests/integration/alerts/test_b.py::test_it"]
    dbt = ["tests/integration/dbt/test_a.py::test_it"]
    work = Work(short, *alerts, other, *dbt)
    assert [work.next() for _ in range(4)] == [dbt, alerts, [short], [other]]


@pytest.mark.parametrize("folder", TOGETHER)
def test_a_folder_that_stays_together_is_there_and_sets_something_up(root: Path, folder: str):
    assert list((root / folder).glob("test_*.py"))
    assert (root / folder / "conftest.py").exists()
