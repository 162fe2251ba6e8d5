"""Wrongs that a production database can carry, for the tests and the demo.

A rule about data holds until it is undone: at the end of each day the wrong is there again, as from a faulty
nightly job, while the shop itself goes on with the right values. A rule about dumps holds for the next one.
"""

from collections.abc import Iterator

from pymysql.connections import Connection

from simulator.dumps import first_half, gzipped, using_another_database
from simulator.errors import RequestError
from simulator.production import execute, query, sql
from simulator.state import Living, breaks_of, forget_break, living_databases, remember_break

NEGATIVE_PRICE = "negative_price"
TRUNCATE_DUMP = "truncate_dump"
NO_DUMP = "no_dump"
FOREIGN_USE = "foreign_use"
DUMP_RULES = (TRUNCATE_DUMP, NO_DUMP, FOREIGN_USE)
RULES = (NEGATIVE_PRICE, *DUMP_RULES)


def break_database(connection: Connection, living: Living, rule: str) -> str:
    """Makes something wrong in `living` and remembers it; returns what, in words. Once more changes nothing.

    Raises RequestError when the rule does not fit the database.
    """
    if rule in breaks_of(connection, living.name):
        return f"{living.name}: {rule} already holds"
    detail = ""
    if rule == NEGATIVE_PRICE:
        if living.app != "retail" or living.simulated_day is None:
            raise RequestError(f"{NEGATIVE_PRICE} needs a shop that has lived a day; {living.name!r} is none")
        detail = str(query(connection, sql("retail/sql/break_candidate"))[0][0])
        _turn_price(connection, detail)
    elif rule == FOREIGN_USE:
        others = [name for name in living_databases(connection) if name != living.name]
        if not others:
            raise RequestError(f"{FOREIGN_USE} needs a second database; there is only {living.name!r}")
        detail = others[0]
    remember_break(connection, living.name, rule, detail)
    return f"{living.name}: {rule} {detail}".rstrip()


def undo_break(connection: Connection, living: Living, rule: str) -> str:
    """Heals what `break_database` made wrong, or takes back a rule about the next dump.

    Raises RequestError when the rule does not hold.
    """
    broken = breaks_of(connection, living.name)
    if rule not in broken:
        raise RequestError(f"{living.name!r} is not broken by {rule}; it is by: {', '.join(broken) or 'nothing'}")
    if rule == NEGATIVE_PRICE:
        _turn_price(connection, broken[rule])
    forget_break(connection, living.name, rule)
    return f"{living.name}: {rule} undone"


def turn_data_breaks(connection: Connection, broken: dict[str, str]) -> None:
    """Heals the data before a day is lived, and breaks it again after: two calls leave it as it was."""
    if NEGATIVE_PRICE in broken:
        _turn_price(connection, broken[NEGATIVE_PRICE])


def spoil_dump(pieces: Iterator[bytes], broken: dict[str, str]) -> Iterator[bytes]:
    """Packs the SQL text of a dump, spoilt by the rules that hold."""
    if FOREIGN_USE in broken:
        pieces = using_another_database(pieces, broken[FOREIGN_USE])
    packed = gzipped(pieces)
    return first_half(packed) if TRUNCATE_DUMP in broken else packed


def _turn_price(connection: Connection, product_id: str) -> None:
    execute(connection, sql("retail/sql/turn_price"), (product_id,))
