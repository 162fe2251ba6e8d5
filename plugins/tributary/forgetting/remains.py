"""What no command can take out, and until when it is there: the other half of a receipt."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from tributary.forgetting.forgetting import Receipt
from tributary.operators.preflight import CLEANED
from tributary.operators.remove_copies import KEEP
from tributary.registry import Database

if TYPE_CHECKING:
    from google.cloud.bigquery import Client

# BigQuery's own, where a dataset says nothing else; then seven days more in which Google's support can reach it.
_TIME_TRAVEL_HOURS = 168
_FAIL_SAFE = timedelta(days=7)


@dataclass(frozen=True)
class Remain:
    """A place, and what ends it."""

    place: str
    until: str


def remains(client: Client, database: Database, receipt: Receipt, dumps: list[str], now: datetime) -> Iterator[Remain]:
    """Where the person's rows may still be.

    :param dumps: the objects of the database's dumps in the bucket, `client` BigQuery's; `now` has a time zone.
    """
    # Whatever this try has found: one before it may have been killed.
    looked_into = sorted({line.dataset for line in receipt.lines if line.layer not in ("staging", "ops")})
    hours = max((_time_travel_hours(client, dataset) for dataset in looked_into), default=0)
    if hours:
        end = now + timedelta(hours=hours)
        yield Remain(
            f"BigQuery's time travel of {', '.join(looked_into)}",
            f"{end:%Y-%m-%d %H:%M} UTC; its fail-safe, for Google's support alone, {end + _FAIL_SAFE:%Y-%m-%d}",
        )
    for table, reason in database.contract.subjects[receipt.request.subject].kept.items():
        yield Remain(f"table {table}", f"kept by the contract: {reason}")
    for line in receipt.lines:
        if line.remaining:
            yield Remain(f"{line.dataset}.{line.table}", f"{line.remaining:,} rows came back; repeat the command")
    for column in receipt.blind:
        yield Remain(column, "the table has no such column, so nobody could look into it; look yourself")
    for day in receipt.under_way:
        yield Remain(f"a load that is under way, or failed: {day}", "its import is cleared; it cannot land before")
    if dumps:
        yield Remain(
            f"{len(dumps)} dumps, {dumps[0]} to {dumps[-1]}", "the bucket's lifecycle, or production, ends them"
        )
    yield Remain(
        f"copies of dumps below {CLEANED}/{database.name}/",
        f"housekeeping, {KEEP.days} days after they were made",
    )
    yield Remain(
        f"Cloud SQL {database.cloud_sql_instance}: its backups and binary logs", "the instance's retention ends them"
    )
    yield Remain("exports that people have taken away (`tributary export`)", "people remove them")
    yield Remain("numbers of all people together, such as revenue by location", "they name nobody, and stay")


def _time_travel_hours(client: Client, dataset: str) -> int:
    from google.api_core.exceptions import NotFound

    try:
        return int(client.get_dataset(dataset).max_time_travel_hours or _TIME_TRAVEL_HOURS)
    except NotFound:
        return 0
