"""Which application a database belongs to, and the six databases that live by default."""

import re
from datetime import date
from typing import Protocol

from pymysql.connections import Connection

from simulator.errors import RequestError
from simulator.flights.app import Flights
from simulator.flights.source import ORIGINS, FlightSource
from simulator.retail.app import Retail
from simulator.settings import Settings
from simulator.state import SCHEMA, Living

# name -> as after `add NAME --app`
DEFAULT_DATABASES = {
    "shop_eu": "retail",
    "shop_us": "retail",
    "shop_br": "retail",
    "airport_ewr": "flights:EWR",
    "airport_jfk": "flights:JFK",
    "airport_lga": "flights:LGA",
}
RESERVED = ("mysql", "information_schema", "performance_schema", "sys", "test", SCHEMA)


class App(Protocol):
    """An application whose databases can live."""

    @property
    def schema(self) -> str:
        """Statements that create the tables, each ended by `;` at a line's end."""

    def live(self, connection: Connection, day: date, scale: float) -> None:
        """Writes what happens on `day` into the connection's database; the caller commits."""


def new_database(name: str, app: str, seed: int, scale: float) -> Living:
    """A database that has not lived yet; `app` is `retail` or `flights:XXX` with an airport of the source.

    Raises RequestError for a name that MySQL or the bucket would not take, or an unknown application.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,62}", name) or name in RESERVED:
        raise RequestError(
            f"database name {name!r}: expected lower-case letters, digits and _, and none of MySQL's own"
        )
    kind, _, origin = app.partition(":")
    if app != "retail" and (kind != "flights" or origin not in ORIGINS):
        raise RequestError(f"application {app!r}: expected retail, or flights:XXX with one of {', '.join(ORIGINS)}")
    return Living(name, kind, origin or None, seed, scale, None)


def app_of(living: Living, settings: Settings) -> App:
    """The application of a living database."""
    if living.origin:
        return Flights(living.origin, FlightSource(settings.state_dir))
    return Retail(living.name, living.seed)
