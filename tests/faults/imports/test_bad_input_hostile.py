"""Hostile dumps: what they do to a server when nobody looks, and that pre-flight keeps them from it.

Also whether anybody's data leaves a dump for a log, an XCom or a dead letter.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.faults.dump_files import ATTACKS, CUSTOMERS, Attack, dump, line_of, table
from tests.faults.imports.conftest import Server, Shop
from tests.integration.dead_letters.conftest import TaskRun
from tributary import naming
from tributary.dead_letters.record import DeadLetter, Status
from tributary.dead_letters.store import LetterStore

Seen = Callable[[object], None]
MakeShop = Callable[..., Shop]
CUSTOMER = {"customers": {"id": "int", "name": "!varchar(80)"}}
OTHER, SCRATCH = "somebody_elses", "scratch"
ROWS_OF_OTHER = ((1, "Jane"), (2, "Joe"))


class Machine:
    """The machine that imports: its server with another database, and a folder that attacks write to."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.server = server
        self.file = folder / "made"
        (folder / "made.sql").write_text(f"\\! touch {self.file}\n")
        (folder / "made.txt").write_text("99\tfrom a file\n")

    def prepare(self) -> None:
        self.server("set global local_infile = 1", "set global max_connections = 80")
        for name in (OTHER, f"{OTHER}_2", SCRATCH):
            self.server(f"drop database if exists {name}")
        self.server(f"create database {SCRATCH}", f"create database {OTHER}")
        self.server(f"create table {SCRATCH}.{naming.LOAD_MARKER} (run_id varchar(250))")
        self.server(f"create table {OTHER}.customers (id int, name varchar(80))")
        self.server(f"insert into {OTHER}.customers values (1, 'Jane'), (2, 'Joe')")

    def clean(self) -> None:
        for name in (OTHER, f"{OTHER}_2", SCRATCH):
            self.server(f"drop database if exists {name}")
        self.server("drop user if exists 'mallory'@'%'")
        self.server("set global local_infile = 0", "set global max_connections = 80")

    def harm(self) -> set[str]:
        """What is not as it was, in the words of `Attack.does`."""
        server = self.server
        made = server(f"show databases like '{OTHER}%'")
        untouched = (OTHER,) in made and tuple(server(f"select id, name from {OTHER}.customers")) == ROWS_OF_OTHER
        scratch = server(f"show tables in {SCRATCH} like 'customers'")
        harm = {
            "file": self.file.exists(),
            "other": not untouched,
            "made": len(made) > 1,
            "account": bool(server("select user from mysql.user where user = 'mallory'")),
            "variable": server("select @@global.max_connections") != [(80,)],
            "note": not server(f"show tables in {SCRATCH} like '{naming.LOAD_MARKER}'"),
            "rows": bool(scratch and server(f"select id from {SCRATCH}.customers where id = 99")),
        }
        return {name for name, happened in harm.items() if happened} or {"nothing"}


@pytest.fixture
def machine(server: Server, tmp_path: Path) -> Any:
    machine = Machine(server, tmp_path)
    machine.prepare()
    yield machine
    machine.clean()


def only(store: LetterStore) -> DeadLetter:
    (letter,) = store.bucket.list()
    return letter


HOSTILE = [
    pytest.param(one, id=one.name.replace(" ", "_"), marks=pytest.mark.case(
        "B5" if one.code in ("database_statement", "other_database") else "B12", f"through the task: {one.name}",
        expected=f"unchecked it does: {one.does}. Here: a dead letter with the line, nothing happens"))
    for one in ATTACKS
]  # fmt: skip


@pytest.mark.parametrize("attack", HOSTILE)
def test_a_hostile_dump_leaves_a_dead_letter_and_nothing_else(
    make_shop: MakeShop, store: LetterStore, run_task: TaskRun, machine: Machine, attack: Attack, seen: Seen
):
    shop = make_shop(CUSTOMER)
    text = attack.text.format(file=machine.file, other=OTHER)
    stored = dump(CUSTOMERS, text, database=shop.name)
    shop.leave(stored)
    run_task.dump = shop.dump
    state = run_task(
        shop.preflight().execute, dag_id=naming.dag_id(shop.name), task_id="preflight", try_number=1, max_tries=5
    )
    assert machine.harm() == {"nothing"}
    letter = only(store)
    assert state == "failed"
    assert (letter.reason, letter.kind, letter.tries, letter.status) == ("DumpRefused", "permanent", 1, Status.open)
    assert (letter.dump_uri, letter.dump_generation) == (shop.dump["uri"], shop.dump["generation"])
    assert f"line {line_of(stored, text)}," in letter.message
    assert "tops3cret" not in letter.to_json()
    assert shop.jobs("import_dump") == []

    # The refusal means something: this is what the client does with the same bytes.
    machine.server.import_unchecked(stored, SCRATCH)
    seen(f"unchecked: {', '.join(machine.harm())}. Here: {letter.code or letter.reason}, {_place(letter.message)}")
    assert machine.harm() == {attack.does}


def _place(message: str) -> str:
    return message[message.rindex("(line") :] if "(line" in message else message


# What stands in rows and statements below, and must not stand anywhere else.
PLANTED = ("jane.doe@example.com", "Jane", "Doe-Smith", "hunter2", "Mockingbird")
PERSON = "'Jane Doe-Smith, 1 Mockingbird Lane, jane.doe@example.com'"
NAME_TWICE = table(
    "customers", "`id` int NOT NULL, `name` varchar(80), PRIMARY KEY (`id`), UNIQUE KEY `name` (`name`)",
    f"1,{PERSON}", f"2,{PERSON}",
).replace(b"LOCK TABLES", b"SET UNIQUE_CHECKS=1;\nLOCK TABLES", 1)  # fmt: skip
NO_TRIGGER = (
    "DELIMITER ;;\nCREATE TRIGGER `x` BEFORE INSERT ON `customers` FOR EACH ROW\n"
    f"begin set new.mail = {PERSON}; end ;;\nDELIMITER ;"
)


class Leaks:
    """Where planted values may turn up: the log, what the task sends to Airflow, the dead letters."""

    def __init__(self, run_task: TaskRun, store: LetterStore, capfd: pytest.CaptureFixture[str]) -> None:
        self.run_task, self.store, self.capfd = run_task, store, capfd
        self.places: dict[str, str] = {"log": "", "sent": ""}

    def run(self, shop: Shop, task_id: str, operator: Any) -> str:
        """One try of a step that is the last one; its state."""
        from airflow.sdk.execution_time import task_runner

        self.run_task.dump = shop.dump
        state: str = self.run_task(operator.execute, dag_id=naming.dag_id(shop.name), task_id=task_id)
        self.places["log"] += "".join(self.capfd.readouterr())
        self.places["sent"] += repr(task_runner.SUPERVISOR_COMMS.sent)
        return state

    def found(self) -> list[tuple[str, str]]:
        letters = "".join(letter.to_json() for letter in self.store.bucket.list())
        places = {**self.places, "dead letter": letters}
        return [(value, place) for place, text in places.items() for value in PLANTED if value in text]


@pytest.fixture
def leaks(run_task: TaskRun, store: LetterStore, capfd: pytest.CaptureFixture[str]) -> Leaks:
    return Leaks(run_task, store, capfd)


@pytest.mark.parametrize(
    ("parts", "step", "state"),
    [
        pytest.param(parts, step, state, id=what.replace(" ", "_"), marks=pytest.mark.case(
            case, f"personal data in {what}", expected="in no log, message to Airflow or dead letter"))
        for case, what, step, state, parts in (
            ("B3", "rows of a good dump", "import_dump", "success",
             [table("customers", "`id` int NOT NULL, `name` varchar(80)", f"1,{PERSON}")]),
            ("B3", "a row that is cut", "preflight", "failed",
             [CUSTOMERS, f"INSERT INTO `customers` VALUES (3,{PERSON}"]),
            ("B3", "a quote that does not end", "preflight", "failed",
             [CUSTOMERS, f"INSERT INTO `customers` VALUES (3,'\\\\'x');\n{PERSON};"]),
            ("B5", "rows for another database", "preflight", "failed",
             [CUSTOMERS, f"INSERT INTO `other`.`customers` VALUES (3,{PERSON});"]),
            ("B12", "an account and its password", "preflight", "failed",
             [CUSTOMERS, "CREATE USER `Jane`@`%` IDENTIFIED BY 'hunter2';\nSET PASSWORD FOR Jane = 'hunter2';"]),
            ("B12", "a statement that is none", "preflight", "failed",
             [CUSTOMERS, f"{PERSON};\njane.doe@example.com;"]),
            ("B12", "a user variable", "preflight", "failed", [CUSTOMERS, f"SET @mail = {PERSON};"]),
            ("B12", "an expression", "preflight", "failed",
             [CUSTOMERS, f"INSERT INTO `customers` VALUES (3,upper({PERSON}));"]),
            ("B15", "a row that is there twice", "import_dump", "failed", [NAME_TWICE]),
            ("B10", "a row with a bare NUL byte", "import_dump", "failed",
             [table("customers", "`id` int NOT NULL, `name` varchar(80)", f"1,{PERSON}\0'x'")]),
            ("B8", "a trigger that the server refuses", "import_dump", "failed", [CUSTOMERS, NO_TRIGGER]),
        )
    ],
)  # fmt: skip
def test_nobody_s_data_leaves_the_dump(
    make_shop: MakeShop, leaks: Leaks, parts: list[str | bytes], step: str, state: str, seen: Seen
):
    shop = make_shop(CUSTOMER)
    shop.leave(dump(*parts, database=shop.name))
    shop.checked = {"uri": shop.dump["uri"]}
    last = leaks.run(shop, "preflight", shop.preflight())
    if step == "import_dump":
        assert last == "success"
        last = leaks.run(shop, "import_dump", shop._operator("import_dump"))
    seen(f"{step}: {last}; found: {leaks.found() or 'none'}")
    assert last == state
    assert len(leaks.store.bucket.list()) == (state == "failed")
    assert leaks.places["log"]
    assert leaks.found() == []
