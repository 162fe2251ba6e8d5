"""Models that pass a tagged column on without its policy tag are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from tributary.contracts import Contract
from tributary.privacy.tagged_models import untagged
from tributary.registry import INCLUDE, load_registry

CONTRACT = Contract.model_validate({
    "app": "shop",
    "tables": {
        "people": {"primary_key": ["id"], "columns": {
            "id": {"type": "int"}, "iban": {"type": "char(22)", "personal": "tag"},
            "name": {"type": "text", "personal": "tag"},
        }},
        "products": {"primary_key": ["id"], "columns": {"id": {"type": "int"}, "name": {"type": "text"}}},
    },
})  # fmt: skip
TAGS = "policy_tags: [\"{{ env_var('TRIBUTARY_PERSONAL_POLICY_TAG', '') }}\"]"


def told(tmp_path: Path, path: str, sql: str, columns: str = "") -> list[str]:
    file = tmp_path / f"{path}.sql"
    file.parent.mkdir(parents=True)
    file.write_text(sql)
    file.with_suffix(".yml").write_text(f"models: [{{name: {file.stem}, columns: [{columns}]}}]\n")
    return list(untagged(CONTRACT, tmp_path))


@pytest.mark.parametrize(
    ("path", "sql", "columns", "words"),
    [
        ("shop/marts/people", "select iban from x", "", "expected `policy_tags: "),
        ("shop/marts/people", "select iban from x", "{name: iban}", "at this column in the model's .yml"),
        ("shop/marts/people", "select iban from x", f"{{name: iban, {TAGS}}}", ""),
        ("shop/marts/people", "select id -- not iban\nfrom x", "", ""),
        ("shop/marts/people", "select id, name from x", "", ""),
        (
            "consolidated/shop/consolidated__people",
            "{{ consolidate('shop', mart='people') }}",
            "{name: iban}",
            "policy_tags",
        ),
        ("shop/staging/stg_shop__people", "select iban from x", "", "expected no view of it"),
        ("shop/staging/stg_shop__people", "{{ config(materialized='ephemeral') }} select iban from x", "", ""),
        ("other/marts/people", "select iban from x", "", ""),
    ],
)
def test_a_model_is_told_that_has_a_tagged_column_without_its_tag(
    tmp_path: Path, path: str, sql: str, columns: str, words: str
):
    found = told(tmp_path, path, sql, columns)
    assert len(found) == bool(words)
    assert all(words in one and "column iban, which include/contracts/shop.yaml has tagged" in one for one in found)


def test_the_project_s_own_models_are_read():
    for contract in load_registry().contracts.values():
        assert list(untagged(contract, INCLUDE / "dbt" / "models")) == []
