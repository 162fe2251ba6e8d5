"""An expectation of Great Expectations' own kind; as it imports that, it is imported inside functions."""

from __future__ import annotations

from typing import Any, ClassVar

from great_expectations.expectations.core import UnexpectedRowsExpectation

_COUNT, _ROWS = "unexpected_rows_query.row_count", "unexpected_rows_query.table"


class CountedRowsExpectation(UnexpectedRowsExpectation):
    """GX's expectation of a query that finds no rows, which asks how many there are and not which: half the queries."""

    metric_dependencies: ClassVar[tuple[str, ...]] = (_COUNT,)

    def _validate(self, metrics: dict[str, Any], *more: Any, **named: Any) -> Any:
        return super()._validate({**metrics, _ROWS: []}, *more, **named)
