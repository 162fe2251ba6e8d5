"""Roles in BigQuery: what each may, and above all what it may not."""

import json
import re
from itertools import product

import pytest
import yaml

from tests.infra import rights
from tests.infra.plan import PROJECT, ROOT, blocks, plan
from tests.infra.rights import ACTIONS, ACTORS, PERSONAL, may

LOADER, TRANSFORMER, PIPELINE, ANALYSTS, ENGINEERS, WORKFLOWS, ANYBODY = ACTORS
ALLOWED = {
    LOADER: {"read raw", "write raw", "read working tables", "write working tables", "run queries"},
    TRANSFORMER: {
        "read raw",
        "read quarantine",
        *(f"{verb} {kind}" for verb in ("read", "write") for kind in ("database", "audit")),
        "run queries",
        "tag columns as personal",
        "read columns tagged personal",
    },
    PIPELINE: {
        *(f"{verb} {kind}" for verb in ("read", "write") for kind in ("raw", "quarantine", "consolidated", "ops")),
        "read database",
        "read audit",
        "drop tables of consolidated",
        "run queries",
        "see everybody's queries",
        "make datasets",
        "see what Cloud SQL does",
        "tag columns as personal",
        "read columns tagged personal",
    },
    ANALYSTS: {"read consolidated", "run queries"},
    ENGINEERS: {
        *(f"read {kind}" for kind in ("raw", "quarantine", "database", "audit", "consolidated", "ops")),
        "run queries",
        "see what Cloud SQL does",
    },
    WORKFLOWS: set(),
    ANYBODY: set(),
}
EVERYTHING = [*ACTIONS, PERSONAL]
FORBIDDEN = [(actor, action) for actor, action in product(ACTORS, EVERYTHING) if action.does not in ALLOWED[actor]]


@pytest.mark.parametrize("actor", ACTORS)
def test_each_may_do_what_its_work_takes(actor):
    assert {action.does for action in EVERYTHING if may(actor, action)} >= ALLOWED[actor]


@pytest.mark.parametrize(("actor", "action"), FORBIDDEN, ids=[f"{one}: {action.does}" for one, action in FORBIDDEN])
def test_what_is_forbidden_is_forbidden(actor, action):
    assert not may(actor, action)


def test_the_lists_name_nothing_that_is_no_action():
    assert set().union(*ALLOWED.values()) <= {action.does for action in EVERYTHING}
    assert len(FORBIDDEN) > 80


def test_nobody_but_those_in_the_table_is_let_into_a_dataset():
    known = {*ACTORS.values(), "special:projectOwners"}
    for dataset in plan().of("google_bigquery_dataset"):
        let_in = {rights.member_of(entry) for entry in blocks(dataset["access"])} - {None}
        assert let_in <= known, dataset["dataset_id"]


def test_the_evaluation_knows_whom_every_entry_lets_in():
    for dataset in plan().of("google_bigquery_dataset"):
        entries = blocks(dataset["access"])
        for entry in entries:
            assert rights.member_of(entry) or entry.get("dataset"), dataset["dataset_id"]
        # tfparse loses a `dynamic` block where a plain one follows it.
        kind = dataset["labels"]["layer"]
        assert len(entries) == len(plan().local("access")[kind]) + (2 if kind == "raw" else 1)


def test_owners_of_datasets_are_the_projects_owners_alone():
    for dataset in plan().of("google_bigquery_dataset"):
        owners = [entry for entry in blocks(dataset["access"]) if entry.get("role") == "OWNER"]
        assert [owner.get("special_group") for owner in owners] == ["projectOwners"], dataset["dataset_id"]


def test_rights_on_datasets_are_given_in_one_place():
    elsewhere = {
        "google_bigquery_dataset_access",
        "google_bigquery_dataset_iam_member",
        "google_bigquery_table_iam_member",
    }
    assert not [kind for kind in plan().resources if kind in elsewhere or kind.endswith("_iam_policy")]


def test_only_the_views_of_a_database_are_authorised_on_its_raw_dataset():
    for dataset in plan().of("google_bigquery_dataset"):
        authorised = [entry["dataset"] for entry in blocks(dataset["access"]) if entry.get("dataset")]
        if not dataset["dataset_id"].startswith("raw__"):
            assert not authorised
            continue
        (one,) = authorised
        assert one["target_types"] == ["VIEWS"]
        assert one["dataset"]["dataset_id"] == dataset["dataset_id"].removeprefix("raw__")


def test_without_a_group_nobody_of_flesh_and_blood_reads_personal_columns():
    (tag,) = plan("example").of("google_data_catalog_policy_tag_iam_binding")
    assert tag["members"] == [rights.ACCOUNT.format("airflow"), rights.ACCOUNT.format("transform")]


def test_with_a_group_it_is_that_group():
    (tag,) = plan("full").of("google_data_catalog_policy_tag_iam_binding")
    assert tag["members"][2:] == ["group:privacy@example.com"]


def test_no_published_column_is_one_that_a_contract_calls_personal():
    """What analysts read has no dropped column to begin with."""
    contracts = [yaml.safe_load(path.read_text()) for path in sorted((ROOT / "include" / "contracts").glob("*.yaml"))]
    personal, public = set(), set()
    for table in (table for contract in contracts for table in contract["tables"].values()):
        for name, column in table["columns"].items():
            (personal if column.get("personal") in (True, "drop") else public).add(name)
    assert {"first_name", "last_name", "street"} <= personal
    models = list((ROOT / "include/dbt/models/consolidated").rglob("*.yml"))
    assert models
    for path in models:
        for model in yaml.safe_load(path.read_text())["models"]:
            assert not {column["name"] for column in model["columns"]} & (personal - public), path.name


def test_dbt_acts_as_the_transformer_and_as_nobody_else():
    """Airflow's machine may become the transformer, which can do less; no account may become another one."""
    grants = plan().of("google_service_account_iam_member")
    becoming = [one["member"] for one in grants if one["role"] == "roles/iam.serviceAccountTokenCreator"]
    assert becoming == [rights.ACCOUNT.format("airflow")]
    account = plan().local("env")["TRIBUTARY_TRANSFORM_ACCOUNT"]
    assert f"serviceAccount:{account}" == rights.ACCOUNT.format("transform")
    profile = yaml.safe_load((ROOT / "include/dbt/profiles.yml").read_text())["tributary"]["outputs"]["bigquery"]
    assert "TRIBUTARY_TRANSFORM_ACCOUNT" in profile["impersonate_service_account"]


def test_the_pipeline_reads_every_dump_and_changes_none():
    grants = {
        (one["role"], json.dumps(one.get("condition", {}).get("expression", "")))
        for one in plan().of("google_storage_bucket_iam_member")
        if one["member"] == rights.ACCOUNT.format("airflow") and "logs" not in one["__tfmeta"]["path"]
    }
    own = json.dumps(f'resource.name.startsWith("projects/_/buckets/{PROJECT}-dumps/objects/_")')
    assert grants == {("roles/storage.objectViewer", '""'), ("roles/storage.objectUser", own)}


def test_everything_that_the_pipeline_leaves_among_the_dumps_begins_with_an_underscore():
    # Read, not imported: an operator brings all of Airflow along.
    source = ROOT / "plugins" / "tributary"
    for file, name in (
        ("alerts/store.py", "OBJECT"),
        ("dead_letters/record.py", "FOLDER"),
        ("operators/preflight.py", "CLEANED"),
    ):
        assert re.search(rf'^{name} = "_', (source / file).read_text(), re.MULTILINE), f"{file}: {name}"


def test_dumps_are_imported_into_the_import_instances_and_not_into_airflows_database():
    (grant,) = [one for one in plan().of("google_project_iam_member") if "imports" in one["__tfmeta"]["path"]]
    assert re.findall(r"instances/([\w-]+)", grant["condition"]["expression"]) == plan().local("import_instances")


def test_the_pipeline_finds_an_import_whose_submission_lost_its_answer():
    """Google asks for instances.get to get an operation, and for instances.list to list those of an instance."""
    source = (ROOT / "plugins" / "tributary" / "hooks" / "cloud_sql.py").read_text()
    assert "super().get_operation(" in source
    assert "self.list_operations(" in source
    (role,) = [one for one in plan().of("google_project_iam_custom_role") if one["role_id"] == "tributaryPipeline"]
    assert {"cloudsql.instances.get", "cloudsql.instances.list"} <= set(role["permissions"])


def test_the_documented_table_is_what_the_files_say():
    page = (ROOT / "docs" / "security-roles.md").read_text()
    assert rights.table() in page, "docs/security-roles.md is stale; `python -m tests.infra.rights` prints the table"
