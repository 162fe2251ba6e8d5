"""What a run refuses before it builds anything, and with which words."""

from __future__ import annotations

import pytest
from conftest import Warehouse
from raw import DAY_1, DAY_2, sync

SELECT = ("run", "--select", "stg_retail__discounts")
ONE_CONSOLIDATED = ("run", "--select", "consolidated__discounts")


@pytest.fixture(scope="module", autouse=True)
def raw_of_day_2(warehouse: Warehouse) -> None:
    sync(warehouse.client, "retail", "shop_late", DAY_2)


@pytest.mark.parametrize(
    ("dataset", "select", "variables", "message"),
    [
        pytest.param(
            "shop_late",
            SELECT,
            {"database": "shop_late", "dump_date": str(DAY_1)},
            "raw__shop_late holds the dump of 2013-01-02, this run is for 2013-01-01."
            " Clear import_dump and what follows to load this run's dump again.",
            id="the dump of another day",
        ),
        pytest.param(
            "shop_new",
            SELECT,
            {"database": "shop_new", "dump_date": str(DAY_1)},
            "raw__shop_new._tributary_load does not exist",
            id="never synced",
        ),
        pytest.param(
            "shop_us",
            SELECT,
            {"database": "shop_late", "dump_date": str(DAY_2)},
            "This run is for shop_late and would write to dataset shop_us.",
            id="the dataset of another database",
        ),
        pytest.param(
            "consolidated__audit",
            ONE_CONSOLIDATED,
            {"as_of": {"shop_late": "2013-01-02' or true"}, "apps": {"retail": ["shop_late"]}},
            "as_of.shop_late: expected a date of the form YYYY-MM-DD",
            id="a date that is none",
        ),
        pytest.param(
            "consolidated__audit",
            ONE_CONSOLIDATED,
            {"as_of": {"shop_lte": "2013-01-02"}, "apps": {"retail": ["shop_late"]}},
            "as_of.shop_lte: expected a database of `apps`",
            id="a database of no app",
        ),
    ],
)
def test_a_run_that_does_not_fit_is_refused(
    warehouse: Warehouse, dataset: str, select: tuple[str, ...], variables: dict[str, object], message: str
) -> None:
    outcome = warehouse.dbt(dataset, *select, name="refused", **variables)
    assert outcome.code != 0
    assert message in " ".join(outcome.text.split())
    assert "OK created" not in outcome.text
