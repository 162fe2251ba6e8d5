"""Form: arguments that the providers know, variables that are explained, versions that are pinned."""

import json
import re

import pytest
import yaml

from tests.infra.plan import ROOT, TERRAFORM, plan
from tests.infra.provider_schema import SCHEMA

PROVIDERS = json.loads(SCHEMA.read_text())
# Terraform's own, and what the evaluation adds.
META = {"__tfmeta", "count", "depends_on", "for_each", "id", "lifecycle", "provider"}
ROOT_VARIABLES = [one for one in plan().blocks["variable"] if one["__tfmeta"]["path"].startswith("variable.")]


def _faults(path, block, schema):
    for name, value in block.items():
        if name in META:
            continue
        if name not in schema:
            yield f"{path}.{name}: no such argument"
        elif isinstance(schema[name], list):
            for one in value if isinstance(value, list) else [value]:
                yield from _faults(f"{path}.{name}", one or {}, schema[name][1])
    for name, need in schema.items():
        if (need[0] if isinstance(need, list) else need) == "required" and name not in block:
            yield f"{path}.{name}: missing"


@pytest.mark.parametrize("values", ["example", "full"])
def test_every_argument_is_one_that_the_provider_knows(values):
    data_sources = {"google_project", "google_storage_project_service_account"}
    faults = []
    for kind, resources in plan(values).resources.items():
        if kind not in data_sources:
            assert kind in PROVIDERS["resources"], f"{kind}: run tests/infra/provider_schema.py"
            for one in resources:
                faults += _faults(one["__tfmeta"]["path"], one, PROVIDERS["resources"][kind])
    assert not faults


def test_the_providers_are_pinned_to_the_versions_that_the_arguments_were_checked_with():
    text = (TERRAFORM / "versions.tf").read_text()
    for provider, version in PROVIDERS["versions"].items():
        pinned = re.search(rf'{provider} = {{\s+source\s+= "[\w/]+"\s+version = "~> ([\d.]+)"', text)
        assert pinned, provider
        assert version.startswith(pinned[1]), provider


@pytest.mark.parametrize("block", plan().blocks["variable"], ids=lambda one: one["__tfmeta"]["path"])
def test_every_variable_says_what_it_is_and_of_which_type(block):
    assert block.get("description", "").endswith((".", "deploy/upgrade.")), "a sentence"
    assert block.get("type")


@pytest.mark.parametrize("block", ROOT_VARIABLES, ids=lambda one: one["__tfmeta"]["label"])
def test_every_variable_is_explained_in_the_guide(block):
    assert f"| `{block['__tfmeta']['label']}` |" in (ROOT / "docs" / "deploy.md").read_text()


def test_the_example_sets_what_has_no_default():
    required = {one["__tfmeta"]["label"] for one in ROOT_VARIABLES if "default" not in one}
    example = (TERRAFORM / "terraform.tfvars.example").read_text()
    assert required <= set(re.findall(r"^(\w+) +=", example, re.MULTILINE))


def test_every_output_says_what_it_is():
    for output in plan().blocks["output"]:
        assert output.get("description"), output["__tfmeta"]["path"]


def test_every_module_is_used_and_small():
    folders = {path.parent.name for path in TERRAFORM.glob("modules/*/main.tf")} | {"warehouse"}
    assert {path.name for path in (TERRAFORM / "modules").iterdir()} == folders
    used = {one["source"].rpartition("/")[2] for one in plan().blocks["module"]}
    assert used == folders
    for path in TERRAFORM.rglob("*.tf"):
        assert len(path.read_text().splitlines()) <= 150, path


def test_the_registry_is_read_and_not_repeated():
    databases = yaml.safe_load((ROOT / "include" / "databases.yaml").read_text())["databases"]
    for path in TERRAFORM.rglob("*.tf"):
        assert not [name for name in databases if name in path.read_text()], path


def test_datadog_gets_what_lies_in_infra_datadog():
    folder = ROOT / "infra" / "datadog"
    for kind, resource in (
        ("monitors", "datadog_monitor"),
        ("slos", "datadog_service_level_objective"),
        ("dashboards", "datadog_dashboard_json"),
    ):
        files = list((folder / kind).glob("*.json"))
        assert len(plan().of(resource)) == len(files) > 0
    names = {json.loads(path.read_text())["name"] for path in (folder / "monitors").glob("*.json")}
    assert {one["name"] for one in plan().of("datadog_monitor")} == names
