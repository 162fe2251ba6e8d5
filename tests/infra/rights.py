"""Who may do what in BigQuery and Cloud SQL, from the files of infra/terraform: the policy that no emulator enforces.

A right is what a member's roles allow: roles on datasets (`access` of google_bigquery_dataset), roles in the project
(google_project_iam_member), and roles on policy tags. What a predefined role allows is Google's to say, and recorded in
predefined_roles.json with its source.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.infra.plan import PROJECT, blocks, plan

PREDEFINED: dict[str, list[str]] = json.loads(Path(__file__).with_name("predefined_roles.json").read_text())["roles"]
# What BigQuery calls these roles where they are given on a dataset:
# https://cloud.google.com/bigquery/docs/access-control-basic-roles#dataset-basic-roles
ON_DATASETS = {
    "OWNER": "roles/bigquery.dataOwner",
    "WRITER": "roles/bigquery.dataEditor",
    "READER": "roles/bigquery.dataViewer",
}
# Roles in the project that have no permission on data. Any other one fails the test until somebody has looked.
HARMLESS = frozenset(
    {
        "roles/compute.osAdminLogin",
        "roles/compute.viewer",
        "roles/iap.tunnelResourceAccessor",
        "roles/logging.logWriter",
        "roles/logging.viewer",
        "roles/monitoring.metricWriter",
        "roles/monitoring.viewer",
    }
)

ACCOUNT = "serviceAccount:tributary-{}@" + PROJECT + ".iam.gserviceaccount.com"
ACTORS = {
    "loader (`tributary-airbyte`)": ACCOUNT.format("airbyte"),
    "transformer (`tributary-transform`)": ACCOUNT.format("transform"),
    "pipeline (`tributary-airflow`)": ACCOUNT.format("airflow"),
    "analysts": "group:analysts@example.com",
    "engineers": "group:data-engineers@example.com",
    "workflows (`tributary-deploy`)": ACCOUNT.format("deploy"),
    "anybody else": "user:somebody@example.com",
}


@dataclass(frozen=True)
class Action:
    """Something to do, and the permission that it takes: on datasets of a kind, or in the project (kind None)."""

    does: str
    permission: str
    kind: str | None = None


DATASETS = {
    "raw": "raw__shop_eu",
    "quarantine": "quarantine__shop_eu",
    "database": "shop_eu",
    "audit": "consolidated__audit",
    "consolidated": "consolidated",
    "ops": "ops",
    "working tables": "airbyte_internal",
}
ACTIONS = [
    *(
        Action(f"{verb} {kind}", permission, kind)
        for kind in DATASETS
        for verb, permission in (("read", "bigquery.tables.getData"), ("write", "bigquery.tables.updateData"))
    ),
    Action("drop tables of consolidated", "bigquery.tables.delete", "consolidated"),
    Action("delete the dataset consolidated", "bigquery.datasets.delete", "consolidated"),
    Action("let others into consolidated", "bigquery.datasets.update", "consolidated"),
    Action("let others into raw", "bigquery.datasets.update", "raw"),
    Action("run queries", "bigquery.jobs.create"),
    Action("tag columns as personal", "bigquery.tables.setCategory"),
    Action("see everybody's queries", "bigquery.jobs.listAll"),
    Action("make datasets", "bigquery.datasets.create"),
    Action("see what Cloud SQL does", "cloudsql.instances.list"),
    Action("export from Cloud SQL", "cloudsql.instances.export"),
]
PERSONAL = Action("read columns tagged personal", "datacatalog.categories.fineGrainedGet")


def may(actor: str, action: Action, values: str = "full") -> bool:
    """Whether the files let an actor do it."""
    member = ACTORS[actor]
    if action is PERSONAL:
        return any(member in tag["members"] for tag in plan(values).of("google_data_catalog_policy_tag_iam_binding"))
    allowed = _in_project(values, member)
    if action.kind is not None:
        allowed = allowed | _on_dataset(values, DATASETS[action.kind], member)
    return action.permission in allowed


@cache
def _on_dataset(values: str, dataset: str, member: str) -> frozenset[str]:
    (resource,) = [one for one in plan(values).of("google_bigquery_dataset") if one["dataset_id"] == dataset]
    roles = [ON_DATASETS[entry["role"]] for entry in blocks(resource["access"]) if member_of(entry) == member]
    return frozenset(permission for role in roles for permission in PREDEFINED[role])


@cache
def _in_project(values: str, member: str) -> frozenset[str]:
    found = plan(values)
    custom = {one["id"]: one["permissions"] for one in found.of("google_project_iam_custom_role")}
    roles = [one["role"] for one in found.of("google_project_iam_member") if one["member"] == member]
    unknown = [role for role in roles if role not in HARMLESS and role not in PREDEFINED and role not in custom]
    assert not unknown, f"{member}: roles that nobody has looked at: {unknown}; see HARMLESS and predefined_roles.json"
    return frozenset(
        permission for role in roles if role not in HARMLESS for permission in custom.get(role) or PREDEFINED[role]
    )


def member_of(entry: dict[str, Any]) -> str | None:
    """Whom an `access` block lets in, as an IAM member; None for an authorised dataset."""
    for key, prefix in (
        ("user_by_email", "serviceAccount"),
        ("group_by_email", "group"),
        ("special_group", "special"),
        ("domain", "domain"),
        ("iam_member", "iam"),
    ):
        # The evaluation leaves a reference where a value is null.
        if isinstance(entry.get(key), str):
            return f"{prefix}:{entry[key]}"
    return None


def table() -> str:
    """The table of docs/security-roles.md: actions down, actors across."""
    rows = [["", *ACTORS], ["---", *([":-:"] * len(ACTORS))]]
    for action in (*ACTIONS, PERSONAL):
        rows.append([action.does, *("yes" if may(actor, action) else "no" for actor in ACTORS)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


if __name__ == "__main__":
    print(table())
