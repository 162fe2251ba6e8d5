"""Times of a simulated day, in the shop's local time and in UTC. No wall clock is read."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate
from random import Random

from simulator.retail.habits import Habits

LAST_SECOND = 24 * 3600 - 1
# Share of the day's visits by hour; people shop at lunch and in the evening.
VISITS = (2, 1, 1, 1, 1, 2, 4, 7, 10, 12, 13, 14, 16, 14, 12, 12, 13, 15, 18, 22, 24, 20, 12, 5)
_CUMULATED = tuple(accumulate(VISITS))


def at(day: date, second: int) -> datetime:
    """Local time `second` seconds after midnight, kept within the day."""
    return datetime.combine(day, time()) + timedelta(seconds=min(second, LAST_SECOND))


def later(moment: datetime, seconds: int) -> datetime:
    """`seconds` after `moment`, but not after midnight of its day."""
    return min(moment + timedelta(seconds=seconds), datetime.combine(moment.date(), time(23, 59, 59)))


def visits(rng: Random, count: int) -> list[int]:
    """`count` seconds of the day at which somebody comes to the shop, in order of time."""
    hours = rng.choices(range(24), cum_weights=_CUMULATED, k=count)
    return sorted(hour * 3600 + rng.randrange(3600) for hour in hours)


def utc(local: datetime, habits: Habits) -> datetime:
    """UTC (without an offset, as MySQL wants it) of a time of the shop's clock."""
    return local.replace(tzinfo=habits.timezone).astimezone(UTC).replace(tzinfo=None)
