"""How many bad rows are too many. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class BadRows:
    """The rows of one table, those of them that break a rule, and those of these that a person has dropped."""

    table: str
    rows: int
    bad: int
    dropped: int

    @property
    def counted(self) -> int:
        """The rows that count towards the share: nobody has decided about them."""
        return self.bad - self.dropped

    def within(self, max_share: float) -> bool:
        """Whether the counted rows are at most that share of all rows."""
        # In decimals, as people write shares: 0.29 * 100 is less than 29 in floats.
        return self.counted <= Decimal(str(max_share)) * self.rows


def too_many(found: Iterable[BadRows], max_share: Callable[[str], float]) -> list[str]:
    """A sentence for each table with more bad rows than its share allows."""
    return [
        f"{table.table}: {table.counted:,} of {table.rows:,} rows ({100 * table.counted / table.rows:.3g} %), "
        f"at most {100 * max_share(table.table):.3g} % may be set aside"
        for table in found
        if not table.within(max_share(table.table))
    ]
