"""All databases consolidated with the bare tools: `python -m benchmarks.bare.consolidated DAY DATABASE ...`.

dbt builds `consolidated__audit`, it is held against its rules and copied to `bare_consolidated`, table by table.
"""

from __future__ import annotations

import json
import sys

from benchmarks.bare.tools import bigquery, check, dbt
from tributary import naming
from tributary.registry import load_registry

PUBLISHED = "bare_consolidated"


def main(day: str, names: list[str]) -> None:
    """Build, check and copy; raises where something fails."""
    registry = load_registry()
    apps = {app: [name for name in registry.apps[app] if name in names] for app in registry.apps}
    dbt(
        "build", "--select", "tag:consolidated", "--exclude-resource-type", "unit_test",
        variables={"consolidate": True},
        TRIBUTARY_DBT_DATASET=naming.CONSOLIDATED_AUDIT,
        TRIBUTARY_AS_OF=json.dumps(dict.fromkeys(names, day)),
        TRIBUTARY_APPS=json.dumps(apps),
    )  # fmt: skip
    client = bigquery()
    client.create_dataset(PUBLISHED, exists_ok=True)
    for app, expected in apps.items():
        contract = registry.contracts[app]
        parameters = {mart: {"databases": expected} for mart in contract.mart_names}
        check(client, contract, "consolidated", naming.CONSOLIDATED_AUDIT, parameters=parameters)
        for mart in contract.mart_names:
            audited = f"{naming.CONSOLIDATED_AUDIT}.{mart}"
            copy = f"create or replace table {PUBLISHED}.{mart} as select * from {audited}"  # noqa: S608
            client.query_and_wait(copy)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
