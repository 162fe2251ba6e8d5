"""What infra/kubernetes asks for: keys that the charts have, and pods as hard as the containers of Compose."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from tests.conftest import ROOT

FOLDER = ROOT / "infra" / "kubernetes"
KEYS = yaml.safe_load((ROOT / "tests" / "delivery" / "chart_keys.yaml").read_text())
AIRFLOW = yaml.safe_load((FOLDER / "airflow.values.yaml").read_text())
TASK = yaml.safe_load((FOLDER / "pod_template.yaml").read_text())["spec"]
NETWORK = list(yaml.safe_load_all((FOLDER / "network.yaml").read_text()))
SECRETS = ROOT / "infra" / "terraform" / "secrets.tf"
WATCH = yaml.safe_load((FOLDER / "watch.yaml").read_text())["spec"]["template"]["spec"]

# As JSON Schema names them; a type of Kubernetes is an object.
TYPES = {"string": str, "integer": int, "boolean": bool, "array": list, "object": dict, "null": type(None)}
# Where Helm's own defaults end and people's values begin.
HARD = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
USER = {
    "runAsNonRoot": True, "runAsUser": 50000, "runAsGroup": 50000, "fsGroup": 50000,
    "seccompProfile": {"type": "RuntimeDefault"},
}  # fmt: skip


def leaves(values: dict[str, Any], known: dict[str, str], path: str = "") -> Iterator[tuple[str, Any]]:
    """The keys with their values, down to those that are known or are no object."""
    for name, value in values.items():
        key = f"{path}.{name}" if path else name
        if isinstance(value, dict) and key not in known:
            yield from leaves(value, known, key)
        else:
            yield key, value


@pytest.mark.parametrize("chart", ["airflow", "airbyte"])
def test_every_value_is_one_that_the_chart_has_with_its_type(chart: str):
    known = KEYS[chart]["keys"]
    values = dict(leaves(yaml.safe_load((FOLDER / f"{chart}.values.yaml").read_text()), known))
    assert values.keys() - known.keys() == set(), "look it up in the chart, and add it to chart_keys.yaml"
    assert known.keys() - values.keys() == set(), "no value any more: remove it from chart_keys.yaml"
    for key, value in values.items():
        expected = tuple(TYPES.get(name, dict) for name in known[key].split(" or "))
        assert type(value) in expected, f"{key} is {value!r}, the chart wants {known[key]}"


def test_airflow_s_version_is_the_locked_one():
    assert f"apache-airflow=={AIRFLOW['airflowVersion']} " in (ROOT / "requirements.txt").read_text()


def test_every_pod_of_the_chart_is_locked_down():
    assert AIRFLOW["securityContexts"] == {"pod": USER, "containers": HARD}
    for process in ("apiServer", "scheduler", "dagProcessor", "triggerer", "migrateDatabaseJob", "cleanup"):
        assert {"requests", "limits"} == set(AIRFLOW[process]["resources"]), process


@pytest.mark.parametrize("pod", [TASK, WATCH], ids=["task", "watch"])
def test_the_pods_beside_the_chart_are_locked_down_as_well(pod: dict[str, Any]):
    assert pod["securityContext"] == USER
    assert pod["automountServiceAccountToken"] is False
    (container,) = pod["containers"]
    assert container["securityContext"] == HARD
    assert {"cpu", "memory"} == set(container["resources"]["limits"])
    mounted = {mount["name"] for mount in container["volumeMounts"]}
    assert mounted == {volume["name"] for volume in pod["volumes"]}


@pytest.mark.parametrize("pod", [TASK, WATCH], ids=["task", "watch"])
def test_a_task_and_the_watch_have_none_of_airflow_s_keys(pod: dict[str, Any]):
    (container,) = pod["containers"]
    (secret,) = [volume["secret"] for volume in pod["volumes"] if "secret" in volume]
    assert [item["key"] for item in secret["items"]] == ["service_password"]
    assert not [one["name"] for one in container["env"] if "valueFrom" in one or one["name"].endswith("_CMD")]


def test_no_secret_is_in_the_environment_of_a_pod():
    assert set(AIRFLOW["enableBuiltInSecretEnvVars"].values()) == {False}
    for one in AIRFLOW["env"]:
        if one["name"].endswith("_CMD"):
            assert one["value"].startswith("cat /run/tributary/secrets/")
    # What the chart would otherwise make up itself, with passwords of its own.
    for name in ("fernetKeySecretName", "apiSecretKeySecretName", "jwtSecretName"):
        assert AIRFLOW[name] == "tributary-secrets"
    assert AIRFLOW["data"] == {"metadataSecretName": "tributary-secrets"}


def test_a_secret_is_mounted_where_kubernetes_puts_a_token_only_in_pods_without_one():
    # /var/run is /run in the image: the folder of the token cannot be made in a secret, and the pod would not start.
    token = PurePosixPath("/run/secrets/kubernetes.io/serviceaccount")
    for mount in AIRFLOW["volumeMounts"]:
        assert not token.is_relative_to(mount["mountPath"]), mount
    for process, values in AIRFLOW.items():
        own = [mount["mountPath"] for mount in values.get("extraVolumeMounts", ())] if isinstance(values, dict) else []
        if any(token.is_relative_to(path) for path in own):
            assert values["serviceAccount"]["automountServiceAccountToken"] is False, process


def test_every_file_that_is_named_is_where_the_secrets_are_mounted():
    (secrets,) = [mount["mountPath"] for mount in AIRFLOW["volumeMounts"] if mount["name"] == "secrets"]
    named = [one["value"].removeprefix("cat ") for one in AIRFLOW["env"] if one["name"].endswith(("_CMD", "_FILE"))]
    named = [file for file in named if not file.endswith(".yaml")]
    assert "TRIBUTARY_SSO_CLIENT_SECRET_FILE" in {one["name"] for one in AIRFLOW["env"]}
    assert [file for file in named if PurePosixPath(file).parent != PurePosixPath(secrets)] == []


def test_a_task_runs_the_digest_of_the_release():
    # The chart's helpers: `pod_template_image` is repository and tag, `airflow_image` prefers the digest.
    (container,) = TASK["containers"]
    assert container["image"] == '{{ template "airflow_image" . }}'


def test_the_api_server_has_the_name_that_the_connection_has():
    (host,) = re.findall(r'airflow_api += .*host = "http://([\w-]+):8080"', SECRETS.read_text())
    (service,) = [one for one in NETWORK if one["kind"] == "Service"]
    assert service["metadata"] == {"name": host, "namespace": "tributary"}
    (chart,) = [one["value"] for one in AIRFLOW["env"] if one["name"] == "TRIBUTARY_AIRFLOW_URL"]
    assert service["spec"] == {
        "type": "ExternalName", "externalName": f"{urlsplit(chart).hostname}.tributary.svc.cluster.local",
    }  # fmt: skip


def test_nobody_reaches_a_task_or_the_watch():
    policies = [one for one in NETWORK if one["kind"] == "NetworkPolicy"]
    labels = yaml.safe_load((FOLDER / "pod_template.yaml").read_text())["metadata"]["labels"]
    assert [policy["spec"]["podSelector"]["matchLabels"] for policy in policies] == [
        {"component": labels["component"]}, {"app": "tributary-watch"},
    ]  # fmt: skip
    for policy in policies:
        assert policy["spec"]["policyTypes"] == ["Ingress"]
        assert "ingress" not in policy["spec"]


def test_airbyte_s_data_lies_outside_its_pods():
    values = yaml.safe_load((FOLDER / "airbyte.values.yaml").read_text())
    assert values["global"]["database"]["type"] == "external"
    assert values["global"]["storage"]["type"] == "gcs"
    assert values["postgresql"] == values["minio"] == {"enabled": False}
