"""The application `retail`, one instance for each shop."""

from dataclasses import dataclass
from datetime import date

from pymysql.connections import Connection

from simulator.production import sql
from simulator.retail.day import generator, live_day, open_shop
from simulator.retail.habits import habits_of
from simulator.retail.store import load_past, write_day


@dataclass(frozen=True)
class Retail:
    """A shop that lives in `database`."""

    database: str
    seed: int

    @property
    def schema(self) -> str:
        """The statements that create its tables."""
        return sql("retail/sql/schema")

    def live(self, connection: Connection, day: date, scale: float) -> None:
        """Writes what happens on `day`; before its first day, the shop opens. The caller commits."""
        habits = habits_of(self.database)
        past = load_past(connection, day)
        if past.next_ids.product == 1:
            write_day(connection, open_shop(habits, day, scale, generator(self.seed, self.database, day, "opening")))
            past = load_past(connection, day)
        write_day(connection, live_day(habits, past, day, scale, generator(self.seed, self.database, day, "day")))
