"""Adding a database: what is written, what is asked, and what is refused before anything is."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tributary import dbt_artifacts, generated
from tributary.cli import app
from tributary.errors import RegistryError, TributaryError
from tributary.onboarding import adding, uploading
from tributary.onboarding.adding import Addition, plan, with_entry
from tributary.onboarding.uploading import object_name
from tributary.quality.suites import suites_for
from tributary.registry import INCLUDE, load_registry

DATA = Path(__file__).parents[1] / "dumps" / "data"
DUMP = b"""CREATE TABLE `films` (`id` int NOT NULL, `title` varchar(99) NOT NULL, PRIMARY KEY (`id`));
INSERT INTO `films` VALUES (1, 'Metropolis');
"""


@pytest.fixture
def include(tmp_path: Path) -> Path:
    """The registry's files of the project, in a folder of their own."""
    folder = tmp_path / "include"
    (folder / "contracts").mkdir(parents=True)
    shutil.copy(INCLUDE / "databases.yaml", folder)
    for contract in (INCLUDE / "contracts").glob("*.yaml"):
        shutil.copy(contract, folder / "contracts")
    return folder


@pytest.fixture
def dump(tmp_path: Path) -> str:
    file = tmp_path / "films.sql"
    file.write_bytes(DUMP)
    return str(file)


def apply(addition: Addition) -> None:
    addition.write_contract()
    addition.enter()


def test_a_new_app_gets_its_contract_and_entry(include: Path, dump: str):
    before = (include / "databases.yaml").read_text()
    addition = plan("cinema", "films", dump, {"owner": "culture"}, include)
    assert load_registry(include).databases.keys() == load_registry().databases.keys()  # nothing is written yet
    apply(addition)
    database = load_registry(include).database("cinema")
    assert (database.app, database.owner, database.dump_pattern) == ("films", "culture", "{database}/{date}/*.sql")
    assert database.contract.tables["films"].primary_key == ("id",)
    entry = "  cinema: {app: films, dump_pattern: '{database}/{date}/*.sql', owner: culture}\n"
    assert (include / "databases.yaml").read_text() == before + entry
    assert sorted(path.name for path in include.glob("**/.*")) == []


def test_the_difference_is_shown(include: Path, dump: str):
    lines = list(plan("cinema", "films", dump, {}, include).diff())
    assert "+++ include/contracts/films.yaml" in lines
    assert "--- /dev/null" in lines
    assert "+      title: {type: varchar(99)}" in lines
    assert "+  cinema: {app: films, dump_pattern: '{database}/{date}/*.sql'}" in lines
    assert not any(line.startswith("-") and not line.startswith("---") for line in lines)


PRICED = b"""CREATE TABLE `films` (`id` int NOT NULL, `price` decimal(5,2), `discount_percent` int, `balance` int,
  `stock` int unsigned, `length` int, PRIMARY KEY (`id`));
INSERT INTO `films` VALUES (1, 9.90, 20, 4, 7, 98), (2, 0.00, NULL, 3, 6, -1);
"""


def test_numbers_that_look_bounded_get_rules(include: Path, tmp_path: Path):
    file = tmp_path / "films.sql"
    file.write_bytes(PRICED)
    addition = plan("cinema", "films", str(file), {}, include)
    assert "+++ include/gx/films/raw.yaml" in list(addition.diff())
    apply(addition)
    contract = load_registry(include).database("cinema").contract
    rules = {rule.name: rule.kwargs for rule in suites_for(contract, "raw", include).tables["films"].expectations}
    assert rules["price_not_negative"] == {"column": "price", "min_value": 0}
    assert rules["discount_percent_in_range"] == {"column": "discount_percent", "min_value": 0, "max_value": 100}
    # `length` is below zero in a row; a balance may be; what is unsigned cannot be.
    assert [name for name in rules if name.endswith(("negative", "range"))] == [
        "price_not_negative",
        "discount_percent_in_range",
    ]
    assert "2 values of its first dump" in (include / "gx" / "films" / "raw.yaml").read_text()


def test_rules_that_people_wrote_stay(include: Path, tmp_path: Path):
    file = tmp_path / "films.sql"
    file.write_bytes(PRICED)
    (include / "gx" / "films").mkdir(parents=True)
    written = include / "gx" / "films" / "raw.yaml"
    written.write_text("tables: {}\n")
    apply(plan("cinema", "films", str(file), {}, include))
    assert written.read_text() == "tables: {}\n"


def test_a_database_of_an_app_that_is_there_has_to_fit_it(include: Path, dump: str, tmp_path: Path):
    apply(plan("cinema", "films", dump, {}, include))
    other = tmp_path / "other.sql.gz"
    other.write_bytes(DUMP.replace(b"`title` varchar(99)", b"`rating` int, `title` varchar(99)"))
    addition = plan("theatre", "films", str(other), {}, include)
    assert [str(change) for change in addition.changes] == ["films.rating: added column: found int"]
    assert addition.contract is None
    other.write_bytes(DUMP.replace(b"varchar(99)", b"varchar(9)"))
    with pytest.raises(TributaryError, match=r"films.title: other type: varchar\(99\), found varchar\(9\)"):
        plan("theatre", "films", str(other), {}, include)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("shop_eu", "database 'shop_eu' is in the registry already"),
        ("consolidated", "consolidated"),
        ("mysql", "mysql"),
    ],
)
def test_a_name_that_is_taken_is_refused(name: str, message: str, include: Path, dump: str):
    with pytest.raises(RegistryError, match=message):
        plan(name, "films", dump, {}, include)
    assert not (include / "contracts" / "films.yaml").exists()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("databases:\n  a: {app: x}\n", "databases:\n  a: {app: x}\n  n: {app: y}\n"),
        ("databases:\n  a: {app: x}", "databases:\n  a: {app: x}\n  n: {app: y}\n"),
        (
            "databases:\n    a:\n        app: x\n        # why\n        owner: z\n\n# more\nops: {}\n",
            "databases:\n    a:\n        app: x\n        # why\n        owner: z\n    n: {app: y}\n\n# more\nops: {}\n",
        ),
        (
            "databases:\n  a: {app: x}  # first\n\n  # second\n  b: {app: x}\n# end\n",
            "databases:\n  a: {app: x}  # first\n\n  # second\n  b: {app: x}\n  n: {app: y}\n# end\n",
        ),
    ],
)
def test_an_entry_comes_behind_the_last_one(text: str, expected: str):
    assert with_entry(text, "n", {"app": "y"}) == expected


@pytest.mark.parametrize("text", ["databases: {a: {app: x}}\n", "databases:\n", "defaults: {}\n", "- a\n", ""])
def test_a_registry_of_another_form_is_left_to_people(text: str):
    with pytest.raises(RegistryError, match=r"write this one yourself: `n: \{app: y\}`"):
        with_entry(text, "n", {"app": "y"})


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("x.sql", "{database}/{date}/*.sql"),
        ("x.sql.zst", "{database}/{date}/*.sql.zst"),
        ("x.gz", "{database}/{date}/*.gz"),
        ("x.sql.gz", None),
        ("-", None),
        ("x", None),
        ("x.sql.{a}", None),
        ("x.sql.gz.part", None),
    ],
)
def test_the_pattern_follows_an_ending_that_is_known(file: str, expected: str | None):
    found = adding._pattern(file, "{database}/{date}/*.sql.gz")
    assert found == ({"dump_pattern": expected} if expected else {})


def test_a_file_that_its_dag_would_not_find_is_refused(include: Path, dump: str):
    database = plan("cinema", "films", dump, {}, include).registry.database("cinema")
    assert object_name("some/films.sql", database, date(2013, 1, 2)) == "cinema/2013-01-02/films.sql"
    for name in ("films", "films.sql.part", ".films.sql"):
        with pytest.raises(TributaryError, match="expected a file named as"):
            object_name(name, database, date(2013, 1, 2))


def test_columns_of_any_name_have_checks_of_their_own(include: Path, dump: str):
    Path(dump).write_text(
        "CREATE TABLE `a` (`_1` int NOT NULL, `1a` int, `_a` enum('x') NOT NULL, `a` int PRIMARY KEY);\n"
        "INSERT INTO `a` VALUES (1, 1, 'x', 1);\n"
    )
    contract = plan("cinema", "films", dump, {}, include).registry.database("cinema").contract
    names = [rule.name for rule in suites_for(contract, "raw").tables["a"].expectations]
    assert len(names) == len(set(names))
    assert {"column_1_not_null", "a_not_null", "a_known", "a_2_not_null"} <= set(names)


@pytest.fixture
def steps(include: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the command does, in its order; and that the entry is not there before the rest."""
    done: list[str] = []

    def step(name: str, answer: Any) -> Any:
        def take(*_: Any) -> Any:
            assert "cinema" not in (include / "databases.yaml").read_text()
            done.append(name)
            return answer

        return take

    monkeypatch.setattr(generated, "write", step("generated", []))
    monkeypatch.setattr(dbt_artifacts, "refresh", step("shown", True))
    monkeypatch.setattr(uploading, "upload", step("uploaded", "gs://b/o"))
    return done


@pytest.fixture
def command(include: Path, steps: list[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """The command on the registry of the test."""
    monkeypatch.setattr(adding.plan, "__defaults__", (include,))
    return lambda *arguments, **more: CliRunner().invoke(app, ["add-database", *arguments], **more)


def test_nothing_is_written_before_somebody_says_yes(command: Any, include: Path, dump: str, steps: list[str]):
    done = command("cinema", "--dump", dump, input="n\n")
    assert (done.exit_code, steps) == (1, [])
    assert not (include / "contracts" / "cinema.yaml").exists()
    done = command("cinema", "--dump", dump, input="y\n")
    assert done.exit_code == 0, done.output
    assert "tributary run --database cinema" in done.stdout
    assert load_registry(include).database("cinema").app == "cinema"


def test_the_entry_comes_when_all_else_is_there(command: Any, dump: str, include: Path, steps: list[str]):
    done = command("cinema", "--dump", dump, "--yes", "--upload-as", "2013-01-02")
    assert done.exit_code == 0, done.output
    assert "uploaded gs://b/o" in done.stdout
    assert steps == ["generated", "shown", "uploaded"]
    assert "cinema" in load_registry(include).databases


def test_a_step_that_fails_leaves_no_entry_and_can_be_done_again(
    command: Any, dump: str, include: Path, monkeypatch: pytest.MonkeyPatch
):
    def refuse(*_: Any) -> None:
        raise PermissionError("read-only")

    with monkeypatch.context() as broken:
        broken.setattr(dbt_artifacts, "refresh", refuse)
        done = command("cinema", "--dump", dump, "--yes")
    assert isinstance(done.exception, TributaryError)
    assert "cinema" not in load_registry(include).databases
    assert command("cinema", "--dump", dump, "--yes").exit_code == 0


def test_what_was_decided_is_told(command: Any):
    done = command("cinema", "--dump", str(DATA / "mariadb_10_11.sql"), "--yes")
    assert done.exit_code == 0, done.output
    assert "personal, not copied: customers.name" in done.stderr
    assert "empty_table: it has no key" in done.stderr


def test_a_bad_name_is_refused_first(command: Any):
    done = command("Cinema", "--dump", "nowhere.sql", "--yes")
    assert "NAME: expected lower-case letters" in str(done.exception)
    done = command("cinema", "--dump", "-", "--upload-as", "2013-01-02")
    assert "--upload-as: expected a file" in str(done.exception)
