"""What has to hold before an image is built, and before one is deployed."""

from __future__ import annotations

import importlib.util
import json
from importlib.machinery import SourceFileLoader
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.delivery.scripts import Machine

IMAGE = "europe-west1-docker.pkg.dev/example/tributary/tributary"
DIGEST = f"sha256:{'cd' * 32}"
PROJECT = '[project]\nname = "tributary"\nversion = "1.4.0"\n'
CHANGELOG = (
    "# Changelog\n\n## Unreleased\n\n## 1.4.0 - 2026-12-01\n\n### Added\n\n- A thing.\n\n## 1.3.0 - 2026-11-01\n"
)


def release_check() -> Any:
    loader = SourceFileLoader("release_check", str(ROOT / ".ci" / "release-check"))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


troubles = release_check().troubles


def test_a_tag_that_the_version_and_the_changelog_know_may_be_built():
    assert troubles("v1.4.0", PROJECT, CHANGELOG) == []


@pytest.mark.parametrize("tag", ["1.4.0", "v1.4", "v1.4.0-rc1", "v01.4.0", "main"])
def test_a_tag_of_another_form_is_refused(tag: str):
    (trouble,) = troubles(tag, PROJECT, CHANGELOG)
    assert "expected v<major>.<minor>.<patch>" in trouble


def test_a_version_that_was_not_set_is_refused():
    (trouble,) = troubles("v1.3.0", PROJECT, CHANGELOG)
    assert "pyproject.toml has version 1.4.0, the tag 1.3.0" in trouble


def test_a_version_without_a_dated_section_is_refused():
    (trouble,) = troubles("v1.4.0", PROJECT, CHANGELOG.replace("## 1.4.0 - 2026-12-01", "## 1.4.0"))
    assert "no heading '## 1.4.0 - <date>'" in trouble


def test_entries_that_were_left_under_unreleased_are_refused():
    (trouble,) = troubles("v1.4.0", PROJECT, CHANGELOG.replace("## Unreleased\n", "## Unreleased\n\n- One more.\n"))
    assert "entries under 'Unreleased'" in trouble


def test_this_repository_s_own_files_can_be_read(machine: Machine):
    done = machine.run("release-check", "v999.0.0")
    assert done.returncode == 1
    assert "the tag 999.0.0" in done.stderr


def cosign(*digests: str) -> str:
    found = [{"critical": {"image": {"docker-manifest-digest": digest}}} for digest in digests]
    return f"echo '{json.dumps(found)}'"


def test_a_verified_image_has_its_digest_printed_and_nothing_else(machine: Machine):
    machine.has("cosign", cosign(DIGEST))
    machine.has("gh", "echo Loaded the attestations")
    done = machine.run("verify-image", IMAGE, "1.4.0", GITHUB_REPOSITORY="example/tributary")
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{DIGEST}\n"


def test_only_this_repository_s_release_of_that_very_tag_counts(machine: Machine):
    machine.has("cosign", cosign(DIGEST))
    machine.has("gh", "true")
    machine.run("verify-image", IMAGE, "1.4.0", GITHUB_REPOSITORY="example/tributary")
    signature, provenance = machine.asked
    workflow = "example/tributary/.github/workflows/image.yml"
    assert f"--certificate-identity https://github.com/{workflow}@refs/tags/v1.4.0 " in signature
    assert "--certificate-oidc-issuer https://token.actions.githubusercontent.com " in signature
    assert signature.endswith(f" {IMAGE}:1.4.0")
    assert provenance.startswith(f"gh attestation verify oci://{IMAGE}@{DIGEST} --repo example/tributary ")
    assert f"--signer-workflow {workflow} --source-ref refs/tags/v1.4.0" in provenance


@pytest.mark.parametrize(
    ("signature", "provenance"),
    [
        ("exit 1", "true"),
        (cosign(DIGEST), "exit 1"),
        ("true", "true"),
        (cosign(), "true"),
        (cosign(DIGEST, f"sha256:{'0' * 64}"), "true"),
    ],
    ids=["no signature", "no provenance", "no answer", "no digest", "several digests"],
)
def test_an_image_that_cannot_be_proved_has_no_digest(machine: Machine, signature: str, provenance: str):
    machine.has("cosign", signature)
    machine.has("gh", provenance)
    done = machine.run("verify-image", IMAGE, "1.4.0", GITHUB_REPOSITORY="example/tributary")
    assert done.returncode != 0
    assert done.stdout == ""


@pytest.mark.parametrize("version", ["latest", "v1.4.0", "1.4.0@sha256:00", "1.4.0 --insecure-ignore-tlog"])
def test_what_is_no_version_is_asked_of_nobody(machine: Machine, version: str):
    machine.has("cosign", cosign(DIGEST))
    machine.has("gh", "true")
    done = machine.run("verify-image", IMAGE, version, GITHUB_REPOSITORY="example/tributary")
    assert done.returncode == 1
    assert "expected <major>.<minor>.<patch>" in done.stderr
    assert machine.asked == []
