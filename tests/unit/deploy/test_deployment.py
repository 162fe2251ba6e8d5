"""Settings of a deployment, and what is made of what Docker says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import deployment
import settings_file
from deployment import Container
from settings_file import DeployError, Settings
from tests.conftest import ROOT


def settings(tmp_path: Path, **values: str) -> Settings:
    for name in (*settings_file.SECRETS, *(name for names in settings_file.SECRETS_OF.values() for name in names)):
        (tmp_path / name).touch()
    given = {
        "TRIBUTARY_SECRETS_DIR": str(tmp_path),
        "TRIBUTARY_DUMPS_BUCKET": "dumps",
        "GOOGLE_CLOUD_PROJECT": "project",
        **values,
    }
    file = tmp_path / "env"
    file.write_text("".join(f"{name}={value}\n" for name, value in given.items()))
    return Settings.find(str(file))


def container(restart: str = "unless-stopped", **state: Any) -> Container:
    state = {"Running": False, "Status": "running", "ExitCode": 0, **state}
    return Container({"State": state, "HostConfig": {"RestartPolicy": {"Name": restart}}})


@pytest.mark.parametrize(
    ("image", "version"),
    [
        ("tributary:dev", "dev"),
        ("registry.example:5000/team/tributary:1.4.0", "1.4.0"),
        ("registry.example/team/tributary:1.4.0@sha256:0a1b", "1.4.0@sha256:0a1b"),
    ],
)
def test_a_version_is_the_tag_with_its_digest(image: str, version: str):
    assert Container({"Config": {"Image": image}}).version == version


def test_complete_settings_have_no_fault(tmp_path: Path):
    assert settings(tmp_path).faults() == []


@pytest.mark.parametrize(
    ("executor", "profiles"), [("CeleryExecutor", "postgres"), ("LocalExecutor", "postgres,workers")]
)
def test_workers_and_executor_belong_together(tmp_path: Path, executor: str, profiles: str):
    (fault,) = settings(tmp_path, TRIBUTARY_EXECUTOR=executor, COMPOSE_PROFILES=profiles).faults()
    assert f"found COMPOSE_PROFILES={profiles} and TRIBUTARY_EXECUTOR={executor}" in fault


def test_a_missing_secret_is_named_with_what_makes_it(tmp_path: Path):
    found = settings(tmp_path, COMPOSE_PROFILES="datadog")
    for name in ("fernet_key", "datadog_api_key", "redis_password"):
        (tmp_path / name).unlink()
    (fault,) = found.faults()
    assert fault == f"{tmp_path} lacks fernet_key, datadog_api_key; {ROOT}/deploy/secrets makes what can be made"


def test_a_line_break_at_the_end_of_a_secret_is_found_before_airflow_takes_it_for_a_part(tmp_path: Path):
    found = settings(tmp_path)
    (tmp_path / "fernet_key").write_text("key\n")
    (fault,) = found.faults()
    assert f"{tmp_path}/fernet_key ends with a line break" in fault


def test_what_a_container_is_given_in_any_case_is_there_afterwards(tmp_path: Path):
    found = settings(tmp_path)
    (tmp_path / "celery_broker_url").write_text("redis://mine")
    found.complete()
    assert {name: (tmp_path / name).read_text() for name in settings_file.WITHOUT_VALUE} == {
        "celery_broker_url": "redis://mine", "celery_result_backend": "", "connections.json": "{}",
        "sso_client_secret": "",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("values", "over"),
    [
        ({}, []),
        ({"TRIBUTARY_LISTEN": "0.0.0.0"}, []),
        ({"COMPOSE_PROFILES": "workers", "TRIBUTARY_LISTEN": "127.0.0.1"}, []),
        ({"COMPOSE_PROFILES": "workers", "TRIBUTARY_LISTEN": "10.0.0.2"}, ["main-machine.yaml"]),
        ({"COMPOSE_PROFILES": "workers", "TRIBUTARY_SERVICES": "worker"}, ["worker-machine.yaml"]),
    ],
)
def test_redis_is_opened_only_for_workers_on_other_machines(tmp_path: Path, values: dict[str, str], over: list[str]):
    files = deployment.compose_files(settings(tmp_path, **values))
    assert [file.name for file in files] == ["docker-compose.yaml", *over]


def test_scripts_that_came_out_of_an_image_follow_its_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    told: list[str] = []

    def docker(*words: str) -> str:
        told.append(" ".join(words))
        if words[0] == "cp":
            Path(words[2]).mkdir()
            (Path(words[2]) / "docker-compose.yaml").write_text("new")
        return "box\n"

    monkeypatch.setattr(deployment, "docker", docker)
    found = settings(tmp_path)
    two = deployment.Deployment(Settings(found.file, found.values, tmp_path), "2")
    assert two.fetch_scripts() is None
    assert told == []
    file = tmp_path / "deploy" / "docker-compose.yaml"
    file.parent.mkdir()
    file.write_text("old")
    fetched = two.fetch_scripts()
    assert told == ["create tributary:2", f"cp box:/opt/tributary/deploy/. {tmp_path}/deploy.next", "rm box"]
    assert fetched
    assert file.read_text() == "old"
    two.put_scripts(fetched)
    assert file.read_text() == "new"
    assert not fetched.exists()


def test_a_machine_of_workers_has_to_know_the_main_one(tmp_path: Path):
    values = {"COMPOSE_PROFILES": "workers", "TRIBUTARY_EXECUTOR": "CeleryExecutor", "TRIBUTARY_SERVICES": "worker"}
    (fault,) = settings(tmp_path, **values).faults()
    assert "TRIBUTARY_SERVICES needs TRIBUTARY_MAIN_ADDRESS" in fault
    assert settings(tmp_path, TRIBUTARY_MAIN_ADDRESS="10.0.0.2", **values).faults() == []


def test_a_missing_variable_is_named_unless_another_file_holds_it(tmp_path: Path):
    (fault,) = settings(tmp_path, TRIBUTARY_DUMPS_BUCKET="").faults()
    assert "TRIBUTARY_DUMPS_BUCKET is not set" in fault
    assert settings(tmp_path, TRIBUTARY_DUMPS_BUCKET="", TRIBUTARY_ENV_FILE="deploy/local.env").faults() == []


def test_settings_that_are_nowhere_say_where_they_were_looked_for(tmp_path: Path):
    with pytest.raises(DeployError, match=r"looked for .*/nowhere; copy .*\.env\.example"):
        Settings.find(str(tmp_path / "nowhere"))


def test_a_version_is_kept_and_the_other_lines_stay(tmp_path: Path):
    found = settings(tmp_path, TRIBUTARY_VERSION="1")
    found.keep_version("2")
    again = Settings.find(str(found.file))
    assert again.version == "2"
    assert dict(again.values) == {**found.values, "TRIBUTARY_VERSION": "2"}


def test_the_example_names_only_what_is_read(tmp_path: Path):
    text = (ROOT / "docker-compose.yaml").read_text() + "".join(
        file.read_text() for file in (ROOT / "deploy").glob("*.py")
    )
    texts = [text, (ROOT / "docs" / "configuration.md").read_text(), (ROOT / "docs" / "compose.md").read_text()]
    unknown = [name for name in settings_file.read(ROOT / ".env.example") if not any(name in text for text in texts)]
    assert unknown == ["AIRFLOW__SECRETS__BACKEND", "AIRFLOW__SECRETS__BACKEND_KWARGS"]


def test_the_example_names_all_that_can_be_set():
    read = set(re.findall(r"\$\{(\w+)", (ROOT / "docker-compose.yaml").read_text()))
    # The local cloud's are for its own tests, and scripts set the other two.
    own = {name for name in read if name.startswith("LOCALCLOUD_")} | {"TRIBUTARY_ENV_FILE", "TRIBUTARY_DEMO_PROFILE"}
    assert sorted(read - own - set(settings_file.read(ROOT / ".env.example"))) == []


@pytest.mark.parametrize(
    ("one", "state", "well", "failed"),
    [
        (container(Running=True), "running", True, False),
        (container(Running=True, Health={"Status": "starting"}), "starting", False, False),
        (container(Running=True, Health={"Status": "healthy"}), "healthy", True, False),
        (container(Status="exited", ExitCode=1), "exited with 1", False, False),
        (container(Status="restarting"), "restarting", False, False),
        (container("no", Running=True), "running", False, False),
        (container("no", Status="exited"), "exited with 0", True, False),
        (container("no", Status="exited", ExitCode=1), "exited with 1", False, True),
    ],
)
def test_a_service_has_to_run_and_a_command_has_to_end_well(one: Container, state: str, well: bool, failed: bool):
    assert (one.state, one.is_well, one.has_failed) == (state, well, failed)


def test_deploy_up_starts_the_demos_cloud_and_lets_no_day_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    told: list[str] = []
    monkeypatch.setattr(deployment.Deployment, "compose", lambda self, *words: told.extend(words))
    monkeypatch.setattr(deployment.Deployment, "wait", lambda self: None)
    found = deployment.Deployment(settings(tmp_path, COMPOSE_PROFILES="local"))
    found.start()
    assert told == ["up", "--detach", "--no-build", "--remove-orphans"]
    file = (ROOT / "docker-compose.yaml").read_text()
    assert 'profiles: ["${TRIBUTARY_DEMO_PROFILE:-local}"]' in file
    assert found.environment()["TRIBUTARY_DEMO_PROFILE"] not in found.settings.profiles
