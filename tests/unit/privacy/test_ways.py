"""What a contract may say of personal columns, and what follows from it for all that comes behind staging."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from tributary.airbyte import SyncPlan
from tributary.contract_files import load_contract
from tributary.contracts import Contract
from tributary.errors import RegistryError
from tributary.generated_models import models_of
from tributary.privacy.expressions import HashKey
from tributary.privacy.ways import Personal
from tributary.quality.contract_rules import contract_expectations
from tributary.registry import Database

COLUMNS: dict[str, dict[str, Any]] = {
    "email": {"type": "varchar(99)", "personal": "hash"},
    "name": {"type": "varchar(99)", "personal": True},
    "phone": {"type": "varchar(30)", "personal": "mask", "nullable": True},
    "sex": {"type": "enum('f','m')", "personal": "hash"},
    "born": {"type": "date", "personal": "mask"},
    "city": {"type": "varchar(30)", "personal": False},
    "iban": {"type": "char(22)", "personal": "tag"},
    "basket": {"type": "json", "personal": "hash", "copied": False},
}


def said(columns: dict[str, dict[str, Any]] = COLUMNS, key: str = "email") -> dict[str, Any]:
    return {"app": "shop", "models": "none", "tables": {"people": {"primary_key": [key], "columns": columns}}}


def contract(columns: dict[str, dict[str, Any]] = COLUMNS) -> Contract:
    return Contract.model_validate(said(columns))


def faults(
    tmp_path: Path, column: dict[str, Any], name: str = "value", key: str = "id", models: str = "generated"
) -> str:
    columns = {"id": {"type": "int"}, name: column}
    file = tmp_path / "shop.yaml"
    file.write_text(yaml.safe_dump({**said(columns, key), "models": models}))
    try:
        load_contract(file)
    except RegistryError as error:
        return str(error)
    return ""


def test_all_but_what_is_dropped_is_copied():
    table = contract({name: column for name, column in COLUMNS.items() if name != "basket"}).tables["people"]
    assert table.selected_columns == ("email", "phone", "sex", "born", "city", "iban")
    assert table.concealed_columns == ("email", "phone", "sex", "born")
    types = {name: table.columns[name].copied_type for name in table.selected_columns}
    assert types == {
        "email": "char(64)", "phone": "varchar(255)", "sex": "char(64)", "born": "date", "city": "varchar(30)",
        "iban": "char(22)",
    }  # fmt: skip


def test_true_means_drop_and_false_that_it_is_not_personal():
    columns = contract().tables["people"].columns
    assert (columns["name"].personal, columns["city"].personal) == (Personal.drop, None)
    assert contract().selected_as(Personal.hash) == ("people.email", "people.sex")
    assert contract().selected_as(Personal.drop) == ()


@pytest.mark.parametrize("word", ["hush", 1, "true", None, ["hash"]])
def test_another_word_is_refused_with_those_that_there_are(tmp_path: Path, word: Any):
    found = faults(tmp_path, {"type": "text", "personal": word})
    assert f"tables.people.columns.value.personal: found {word!r}" in found
    assert "expected true, false, or one of drop, hash, mask, tag" in found


@pytest.mark.parametrize("way", [True, False, *Personal, "hush", 1])
def test_the_json_schema_knows_the_same_words(way: Any):
    schema = Contract.model_json_schema()
    document = said({"email": {"type": "text", "personal": way}})
    assert Draft202012Validator(schema).is_valid(document) == (isinstance(way, (bool, Personal)))


@pytest.mark.parametrize(
    ("column", "words"),
    [
        ({"type": "double", "personal": "hash"}, "found hash, expected it for text, whole numbers or DATE alone"),
        ({"type": "json", "personal": "hash"}, "found hash, expected it for text"),
        ({"type": "timestamp", "personal": "hash"}, "found hash, expected it for text"),
        (
            {"type": "int", "personal": "mask"},
            "found mask, expected it for text, DATE or DATETIME alone, and not for int",
        ),
        ({"type": "blob", "personal": "mask"}, "say `drop` or `hash`"),
    ],
    ids=str,
)
def test_a_way_that_a_type_does_not_have_is_refused(tmp_path: Path, column: dict[str, Any], words: str):
    assert words in faults(tmp_path, column)
    assert "tables.people.columns.value.personal: " in faults(tmp_path, column)


def test_a_mask_or_a_clear_value_names_no_row_and_a_hash_does(tmp_path: Path):
    assert "stay unique: say `hash`" in faults(tmp_path, {"type": "text", "personal": "mask"}, key="value")
    assert "`ops` names rows: say `hash`" in faults(tmp_path, {"type": "text", "personal": "tag"}, key="value")
    assert faults(tmp_path, {"type": "varchar(9)", "personal": "hash"}, key="value") == ""


def test_nothing_is_tagged_where_there_is_no_more_than_raw(tmp_path: Path):
    column = {"type": "text", "personal": "tag"}
    assert "found `tag` at people.value, expected none where `models` is none" in faults(
        tmp_path, column, models="none"
    )
    assert faults(tmp_path, column) == ""


def test_a_name_must_leave_room_for_the_clear_values_name(tmp_path: Path):
    column = {"type": "text", "personal": "hash"}
    assert "at most 54 characters" in faults(tmp_path, column, name="c" * 55)
    assert faults(tmp_path, column, name="c" * 54) == ""
    assert faults(tmp_path, {"type": "text", "personal": "tag"}, name="c" * 60) == ""


def test_a_name_that_begins_as_clear_values_names_do_is_reserved(tmp_path: Path):
    assert "expected no name that begins with" in faults(tmp_path, {"type": "text"}, name="_personal_email")


def test_raw_is_held_against_what_is_copied():
    suite = contract_expectations(contract(), "raw").tables["people"]
    assert suite.columns["email"] == suite.columns["phone"] == suite.columns["sex"] == {"STRING"}
    assert suite.columns["born"] == {"DATE"}
    rules = {rule.name: rule.kwargs for rule in suite.expectations}
    assert rules["email_hashed"] == {"column": "email", "regex": "^[0-9a-f]{64}$"}
    assert rules["phone_masked"] == {"column": "phone", "regex": "^[*]{4}"}
    # The values of the enum are clear ones.
    assert not {"sex_known", "born_masked", "iban_hashed", "city_hashed"} & set(rules)


def test_models_that_are_made_have_the_types_of_what_is_copied():
    shop = Contract.model_validate({**said(), "models": "generated"})
    sql = next(text for path, text in models_of(shop, "shop") if path.suffix == ".sql")
    assert "cast(`email` as string)" in sql
    assert "cast(`born` as date)" in sql


def test_airbyte_is_told_no_key_that_is_hashed():
    def streams(key: str) -> dict[str, Any]:
        database = Database(
            name="shop", contract=Contract.model_validate(said(key=key)), owner="o", cloud_sql_instance="s",
            dump_pattern="p", dump_wait="1h",
        )  # fmt: skip
        plan = SyncPlan.of(database, host="h", port=1, username="u", password="", project="p", location="US")
        return plan.connection["configurations"]["streams"][0]

    assert "primaryKey" not in streams("email")
    assert streams("city")["primaryKey"] == [["city"]]
    assert ["email"] in [field["fieldPath"] for field in streams("email")["selectedFields"]]


def test_a_key_is_in_no_text_of_itself():
    key = HashKey.of(b"key")
    assert key.inner not in f"{key} {key!r} {key.fingerprint}"
    assert key.fingerprint != HashKey.of(b"kez").fingerprint
