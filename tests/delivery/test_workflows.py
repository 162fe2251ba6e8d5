"""What the workflows may do, and that what they name exists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT
from tests.infra.plan import plan

FILES = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
NAMES = [file.name for file in FILES]
PINNED = re.compile(r"uses: [\w-]+/[\w./-]+@[0-9a-f]{40}  # v\d+(\.\d+)*$")

# Everything that any job may do beside reading the repository. A new line here is a decision.
GRANTED = {
    ("deploy.yml", "deploy"): {"attestations": "read", "id-token": "write"},
    ("image.yml", "image"): {"id-token": "write", "attestations": "write"},
    ("locks.yml", "propose"): {"contents": "write", "pull-requests": "write", "actions": "write"},
}


def read(file: Path) -> dict[str, Any]:
    return yaml.safe_load(file.read_text())


def jobs() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for file in FILES:
        for name, job in read(file)["jobs"].items():
            yield file.name, name, job


JOBS = [pytest.param(file, job, id=f"{file}:{name}") for file, name, job in jobs()]
STEPS = [(file, step) for file, _, job in jobs() for step in job["steps"]]


def test_the_workflows_that_the_documents_speak_of_are_there():
    assert NAMES == ["ci.yml", "deploy.yml", "image.yml", "locks.yml", "nightly.yml"]


@pytest.mark.parametrize("file", FILES, ids=NAMES)
def test_every_action_is_pinned_by_its_commit_with_the_version_beside_it(file: Path):
    uses = [line.strip().removeprefix("- ") for line in file.read_text().splitlines() if "uses:" in line]
    assert uses, "no step uses an action: not even the checkout?"
    assert [line for line in uses if not PINNED.match(line)] == []


@pytest.mark.parametrize("file", FILES, ids=NAMES)
def test_an_action_has_one_version_in_all_workflows(file: Path):
    everywhere = dict(re.findall(r"uses: (\S+)@(\S+)", "\n".join(other.read_text() for other in FILES)))
    for action, commit in re.findall(r"uses: (\S+)@(\S+)", file.read_text()):
        assert everywhere[action] == commit, f"{action} in {file.name}"


@pytest.mark.parametrize("file", FILES, ids=NAMES)
def test_a_workflow_has_no_permissions_and_its_runs_wait_for_or_replace_each_other(file: Path):
    workflow = read(file)
    assert workflow["permissions"] == {}
    assert {"group", "cancel-in-progress"} == set(workflow["concurrency"])
    assert "pull_request_target" not in workflow["on"], "it runs a stranger's change with the repository's rights"


@pytest.mark.parametrize(("file", "job"), JOBS)
def test_a_job_states_its_name_its_time_limit_and_its_permissions(file: str, job: dict[str, Any]):
    assert job["name"]
    assert 0 < job["timeout-minutes"] <= 120
    assert job["permissions"]


def test_no_job_may_do_more_than_is_written_down():
    granted = {}
    for file, name, job in jobs():
        beyond = {what: how for what, how in job["permissions"].items() if (what, how) != ("contents", "read")}
        if beyond:
            granted[file, name] = beyond
    assert granted == GRANTED


def test_no_checkout_leaves_its_token_behind():
    checkouts = [step for _, step in STEPS if step.get("uses", "").startswith("actions/checkout@")]
    assert len(checkouts) == len(JOBS)
    assert [step for step in checkouts if step["with"]["persist-credentials"] is not False] == []


def test_no_expression_is_pasted_into_a_script():
    assert [(file, step["run"]) for file, step in STEPS if "${{" in step.get("run", "")] == []


def test_what_releases_and_deploys_asks_a_person_first():
    for file, job in (("image.yml", "image"), ("deploy.yml", "deploy")):
        assert read(ROOT / ".github" / "workflows" / file)["jobs"][job]["environment"]


def test_no_key_is_kept_for_google_cloud():
    text = "\n".join(file.read_text() for file in FILES)
    assert "secrets." not in text
    assert "credentials_json" not in text
    signed_in = [step for _, step in STEPS if step.get("uses", "").startswith("google-github-actions/auth@")]
    assert [step["with"]["workload_identity_provider"] for step in signed_in] == [
        "${{ vars.WORKLOAD_IDENTITY_PROVIDER }}"
    ] * 2


def test_every_command_of_the_repository_that_a_step_runs_exists():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    runs = "\n".join(step["run"] for _, step in STEPS if "run" in step)
    named = set(re.findall(r"\bmake ([a-z-]+)", runs))
    assert named == {"docs", "lock", "test-compose"}
    assert named - targets == set()
    scripts = set(re.findall(r"(?<![\w/])(\.ci/[\w-]+|stack/[\w-]+)", runs))
    assert scripts == {".ci/run", ".ci/release-check", ".ci/verify-image", ".ci/deploy", ".ci/propose-locks"}
    for script in scripts:
        assert (ROOT / script).stat().st_mode & 0o111, f"{script} cannot be executed"


def test_the_variables_of_the_workflows_are_in_the_document_on_releasing():
    used = set(re.findall(r"\bvars\.(\w+)", "\n".join(file.read_text() for file in FILES)))
    document = (ROOT / "docs" / "releasing.md").read_text()
    assert used
    assert {name for name in used if f"`{name}`" not in document} == set()


def test_the_image_is_built_with_arguments_that_the_dockerfile_takes():
    step = next(
        step for file, step in STEPS if file == "image.yml" and "docker/build-push-action" in step.get("uses", "")
    )
    given = {line.split("=")[0] for line in step["with"]["build-args"].splitlines()}
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert given
    assert given - set(re.findall(r"^ARG (\w+)", dockerfile, re.MULTILINE)) == set()
    assert re.search(rf"^FROM \S+ AS {step['with']['target']}$", dockerfile, re.MULTILINE)


def test_no_attestation_is_pushed_to_a_registry_whose_tags_never_move():
    """Without a referrers API all that belongs to a digest shares one tag; the signature has taken it."""
    (registry,) = plan().of("google_artifact_registry_repository")
    assert registry["docker_config"]["immutable_tags"] is True
    attested = [step["with"] for _, step in STEPS if step.get("uses", "").startswith("actions/attest@")]
    assert len(attested) == 2
    assert [step["push-to-registry"] for step in attested] == [False, False]


def test_the_compose_stack_is_tested_as_root_and_its_files_are_given_back():
    steps = read(ROOT / ".github" / "workflows" / "nightly.yml")["jobs"]["compose"]["steps"]
    (tested,) = [number for number, step in enumerate(steps) if "test-compose" in step.get("run", "")]
    assert steps[tested]["run"] == "sudo make test-compose"
    back, kept = steps[tested + 1 :]
    assert back["if"] == "always()"
    assert back["run"].startswith("sudo chown --recursive ")
    assert back["run"].endswith(" .local")
    assert kept["if"] == "failure()"


def test_no_artifact_holds_secrets_of_the_test_s_checkouts():
    kept = [step["with"]["path"].split() for _, step in STEPS if "actions/upload-artifact@" in step.get("uses", "")]
    folders = {paths[0]: set(paths[1:]) for paths in kept}
    # .local/site is the data dictionary: definitions alone, made from files of the repository.
    known = {".local/logs", ".local/compose", ".local/site", "locks.patch"}
    assert set(folders) == known, "another one: what is secret in it?"
    # Settings, passwords, and the environments that every checkout has a link to.
    left_out = {"!.local/compose/**/.env", "!.local/compose/**/secrets", "!.local/compose/*/.local"}
    assert folders[".local/compose"] == left_out


def test_dependabot_looks_at_every_kind_of_dependency_and_waits_a_week():
    updates = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text())["updates"]
    kinds = {"github-actions", "docker", "docker-compose", "terraform"}
    assert {update["package-ecosystem"] for update in updates} == kinds
    assert {update["cooldown"]["default-days"] for update in updates} == {7}
