"""The registry: what is taken, what is refused, and how a refusal reads."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from tributary.contract_files import load_contract
from tributary.contracts import Guards
from tributary.errors import RegistryError
from tributary.registry import load_registry

CONTRACT = """
app: toys
tables:
  toys:
    primary_key: [toy_id]
    columns:
      toy_id: {type: int}
      owner_email: {type: varchar(255), personal: true}
"""


@pytest.fixture
def include(tmp_path: Path) -> Path:
    (tmp_path / "contracts").mkdir()
    (tmp_path / "contracts" / "toys.yaml").write_text(CONTRACT)
    return tmp_path


def registry_with(include: Path, databases: str):
    (include / "databases.yaml").write_text(databases)
    return load_registry(include)


def test_the_project_s_own_registry_is_well():
    registry = load_registry()
    assert registry.broken == ()
    assert registry.apps == {
        "retail": ["shop_eu", "shop_us", "shop_br"],
        "flights": ["airport_ewr", "airport_jfk", "airport_lga"],
    }


def test_an_entry_takes_the_defaults_and_may_say_otherwise(include: Path):
    registry = registry_with(
        include,
        "defaults: {owner: team-a, dump_wait: 90m}\n"
        "databases:\n  first: {app: toys}\n  second: {app: toys, owner: team-b, dump_wait: 2d}\n",
    )
    assert registry.databases["first"].owner == "team-a"
    assert registry.databases["first"].dump_wait == timedelta(minutes=90)
    assert registry.databases["second"].owner == "team-b"
    assert registry.databases["second"].dump_wait == timedelta(days=2)


def test_guards_are_taken_from_the_table_then_the_database_then_the_defaults(include: Path):
    contract = include / "contracts" / "toys.yaml"
    contract.write_text(f"{CONTRACT}    guards: {{small: 7}}\n")
    registry = registry_with(
        include,
        "defaults: {guards: {shrink: 0.25}}\n"
        "databases:\n  first: {app: toys}\n  second: {app: toys, guards: {growth: 3, small: 5}}\n",
    )
    assert registry.databases["first"].guards_of("toys") == Guards(shrink=0.25, growth=20, small=7)
    assert registry.databases["second"].guards_of("toys") == Guards(shrink=0.25, growth=3, small=7)


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ("bad: {app: toys, guards: {shrink: 50}}", ["databases.bad.guards.shrink", "50", "less than or equal to 1"]),
        ("bad: {app: toys, guards: {growth: 0.5}}", ["databases.bad.guards.growth", "greater than or equal to 1"]),
        ("bad: {app: nothing}", ["databases.bad.app", "'nothing'", "contracts/: toys"]),
        ("bad: {}", ["databases.bad.app", "Field required"]),
        ("bad: 3", ["databases.bad", "found 3"]),
        ("bad: {app: toys, dump_wait: soon}", ["databases.bad.dump_wait", "'soon'", '"4h"']),
        ("bad: {app: toys, dump_wait: 0h}", ["databases.bad.dump_wait", "above zero"]),
        ("bad: {app: toys, colour: red}", ["databases.bad.colour", "unknown key"]),
        ("Bad-Name: {app: toys}", ["databases.Bad-Name", "lower-case letters"]),
        ("consolidated: {app: toys}", ["databases.consolidated", "reserved"]),
        ("raw__x: {app: toys}", ["databases.raw__x", "reserved"]),
        ("bad: {app: toys}\n  bad: {app: toys}", ["databases.bad", "found 2 entries", "expected one"]),
    ],
)
def test_one_bad_entry_says_what_is_wrong_and_leaves_the_others(include: Path, entry: str, says: list[str]):
    registry = registry_with(include, f"databases:\n  good: {{app: toys}}\n  {entry}\n  last: {{app: toys}}\n")
    assert list(registry.databases) == ["good", "last"]
    (broken,) = registry.broken
    assert "databases.yaml" in broken.error
    for words in says:
        assert words in broken.error


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("databases: {}", "expected at least one entry"),
        ("databases: [a]", "expected at least one entry"),
        ("defaults: {schedule: 3}\ndatabases: {good: {app: toys}}", "defaults.schedule"),
        ("consolidation: {keep_versions: 0}\ndatabases: {good: {app: toys}}", "consolidation.keep_versions"),
        ("default: {}\ndatabases: {good: {app: toys}}", "default: unknown key"),
        ("databases: {good: {app: toys}", "not valid YAML"),
        ("defaults: {owner: a, owner: b}\ndatabases: {good: {app: toys}}", "defaults.owner stands 2 times"),
        ("- a", "expected a mapping"),
    ],
)
def test_what_concerns_every_database_is_an_error_of_the_file(include: Path, text: str, says: str):
    with pytest.raises(RegistryError, match=r"databases\.yaml") as error:
        registry_with(include, text)
    assert says in str(error.value)


def test_a_broken_contract_breaks_only_the_databases_of_its_app(include: Path):
    (include / "contracts" / "cars.yaml").write_text(CONTRACT.replace("toys", "cars").replace("int}", "int, typ: x}"))
    registry = registry_with(include, "databases: {good: {app: toys}, bad: {app: cars}}")
    assert list(registry.databases) == ["good"]
    assert "tables.cars.columns.toy_id.typ" in registry.broken[0].error


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("app: toys", "app: cars", "expected the file's name, 'toys'"),
        ("[toy_id]", "[owner_email]", "expected columns of the table that are not personal: toy_id"),
        ("[toy_id]", "[]", "tables.toys.primary_key: found none, expected the columns that name a row"),
        ("tables:", "marts: {toys: {description: x}}\ntables:", "expected a name that no table has"),
        ("tables:", "raw_only: true\ntables:", "expected `models: none` in its place"),
        ("type: int", "type: decimal(a)", "expected a size such as 10 or 10,2 in brackets behind decimal"),
        ("type: int", "type: '1'", "expected a type, found '1'"),
        (
            "type: int}",
            "type: int, personal: true}",
            "found 'toy_id', expected columns of the table that are not personal",
        ),
        (
            "app: toys\ntables:\n  toys:\n    primary_key: [toy_id]\n    columns:\n      toy_id: {type: int}",
            "app: toys\nmodels: none\ntables:\n  toys:\n    columns:",
            "found personal ones alone, expected one that is copied",
        ),
        ("tables:", "models: generated\nmarts: {more: {description: x}}\ntables:", "expected none where `models` is"),
        (
            "app: toys\ntables:\n  toys:\n    primary_key: [toy_id]\n    columns:",
            "app: toys\nmodels: generated\ntables:\n  toys:\n    primary_key: [toy_id]\n    columns:\n"
            "      _Airbyte_x: {type: int}",
            "found '_Airbyte_x', expected no name that begins with one of",
        ),
    ],
)
def test_a_contract_that_contradicts_itself_is_refused(include: Path, before: str, after: str, says: str):
    path = include / "contracts" / "toys.yaml"
    path.write_text(CONTRACT.replace(before, after, 1))
    with pytest.raises(RegistryError) as error:
        load_contract(path)
    assert says in str(error.value)


def test_a_table_without_a_key_is_copied_and_nothing_of_it_set_aside(include: Path):
    keyless = CONTRACT.replace("primary_key: [toy_id]", "quarantine: {max_share: 0.5}")
    (include / "contracts" / "toys.yaml").write_text(f"models: none\n{keyless}")
    database = registry_with(include, "databases: {good: {app: toys}}").databases["good"]
    assert database.contract.tables["toys"].primary_key == ()
    assert database.max_share("toys") == 0


def test_a_folder_of_dbt_s_models_is_no_app(include: Path):
    path = include / "contracts" / "generated.yaml"
    path.write_text(CONTRACT.replace("app: toys", "app: generated"))
    with pytest.raises(RegistryError, match="app: found 'generated', which is a folder of dbt's models"):
        load_contract(path)


def test_personal_columns_are_not_selected(include: Path):
    contract = load_contract(include / "contracts" / "toys.yaml")
    assert contract.tables["toys"].selected_columns == ("toy_id",)


def test_models_are_frozen(include: Path):
    registry = registry_with(include, "databases: {good: {app: toys}}")
    with pytest.raises(ValidationError):
        registry.databases["good"].owner = "somebody"  # type: ignore[misc]


def test_it_is_read_again_only_when_a_file_has_changed(include: Path):
    entry = "databases:\n  first: {app: toys}\n"
    before = registry_with(include, entry)
    assert registry_with(include, entry) is before
    assert registry_with(include, entry.replace("first", "other")).databases.keys() == {"other"}
    contract = include / "contracts" / "toys.yaml"
    contract.write_text(CONTRACT.replace("owner_email", "owner_phone"))
    os.utime(contract, ns=(0, contract.stat().st_mtime_ns + 1_000_000))
    assert load_registry(include).databases["other"].contract.tables["toys"].columns.keys() == {"toy_id", "owner_phone"}


def test_a_link_to_nothing_among_the_contracts_is_none(include: Path):
    (include / "contracts" / ".#toys.yaml").symlink_to("editor@host.1")
    assert registry_with(include, "databases:\n  first: {app: toys}\n").databases.keys() == {"first"}


def test_an_unknown_database_names_the_known_ones(include: Path):
    registry = registry_with(include, "databases: {good: {app: toys}, bad: {app: nothing}}")
    with pytest.raises(RegistryError, match="good"):
        registry.database("other")
    with pytest.raises(RegistryError, match="contracts/"):
        registry.database("bad")
