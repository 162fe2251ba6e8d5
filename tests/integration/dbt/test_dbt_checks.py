"""What a run refuses before it builds anything, and with which words."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from dbt_raw import DAY_1, DAY_2, sync
from dbt_warehouse import Outcome, Warehouse

SELECT = ("run", "--select", "stg_retail__discounts")
ONE_CONSOLIDATED = ("run", "--select", "consolidated__discounts")


CASES: dict[str, tuple[str, tuple[str, ...], dict[str, object], str]] = {
    "the dump of another day": (
        "shop_late",
        SELECT,
        {"database": "shop_late", "dump_date": str(DAY_1)},
        "raw__shop_late holds the dump of 2013-01-02, this run is for 2013-01-01."
        " Clear import_dump and what follows to load this run's dump again.",
    ),
    "never synced": (
        "shop_new",
        SELECT,
        {"database": "shop_new", "dump_date": str(DAY_1)},
        "raw__shop_new._tributary_load does not exist",
    ),
    "the dataset of another database": (
        "shop_us",
        SELECT,
        {"database": "shop_late", "dump_date": str(DAY_2)},
        "This run is for shop_late and would write to dataset shop_us.",
    ),
    "a date that is none": (
        "consolidated__audit",
        ONE_CONSOLIDATED,
        {"as_of": {"shop_late": "2013-01-02' or true"}, "apps": {"retail": ["shop_late"]}},
        "as_of.shop_late: expected a date of the form YYYY-MM-DD",
    ),
    "a database of no app": (
        "consolidated__audit",
        ONE_CONSOLIDATED,
        {"as_of": {"shop_lte": "2013-01-02"}, "apps": {"retail": ["shop_late"]}},
        "as_of.shop_lte: expected a database of `apps`",
    ),
}


@pytest.fixture(scope="module")
def outcomes(warehouse: Warehouse) -> dict[str, Outcome]:
    """What dbt says in each case; two run at a time, as a start of dbt takes seconds."""
    sync(warehouse.client, "retail", "shop_late", DAY_2)

    def run(case: str) -> Outcome:
        dataset, select, variables, _ = CASES[case]
        return warehouse.dbt(dataset, *select, name=f"refused {case}", **variables)

    with ThreadPoolExecutor(2) as pool:
        return dict(zip(CASES, pool.map(run, CASES), strict=True))


@pytest.mark.parametrize("case", CASES)
def test_a_run_that_does_not_fit_is_refused(outcomes: dict[str, Outcome], case: str) -> None:
    outcome, message = outcomes[case], CASES[case][3]
    assert outcome.code != 0
    assert message in " ".join(outcome.text.split())
    assert "OK created" not in outcome.text
