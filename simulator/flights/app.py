"""The application `flights`, one instance for each airport."""

from dataclasses import dataclass
from datetime import date

from pymysql.connections import Connection

from simulator.flights.source import FlightSource
from simulator.production import insert, query, sql

# Parents first: the tables are tied by foreign keys.
COMPLETE_TABLES = ("airlines", "airports", "planes")
DAILY_TABLES = ("flights", "weather")


@dataclass(frozen=True)
class Flights:
    """The departures and the weather of `origin`; after 2013 nothing more happens there."""

    origin: str
    source: FlightSource

    @property
    def schema(self) -> str:
        """The statements that create its tables."""
        return sql("flights/sql/schema")

    def live(self, connection: Connection, day: date, scale: float) -> None:
        """Writes the departures and weather of `day`; the real world has one `scale`. The caller commits."""
        if not query(connection, sql("flights/sql/any_airline")):
            for name in COMPLETE_TABLES:
                insert(connection, name, *self.source.table(name))
        for name in DAILY_TABLES:
            insert(connection, name, *self.source.day(name, self.origin, day))
