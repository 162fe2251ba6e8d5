"""Secrets: those of Secret Manager are those that the machines look for, and no value is kept."""

import re

import yaml

from tests.infra.plan import ROOT, TERRAFORM, plan
from tributary.privacy.key import PERSONAL_DATA_CONNECTION
from tributary.registry import load_registry
from tributary.settings import AIRBYTE_CONNECTION, AIRFLOW_CONNECTION, GOOGLE_CONNECTION, mysql_connection

PREFIX = "airflow-connections-"


def _ids():
    return {one["secret_id"] for one in plan().of("google_secret_manager_secret")}


def test_every_file_that_compose_mounts_has_a_secret():
    compose = yaml.safe_load((ROOT / "docker-compose.yaml").read_text())
    # The demo's own, and connections where they are not in Secret Manager.
    mounted = {name for name in compose["secrets"] if not name.startswith("local_") and name != "connections.json"}
    secrets = {one.removeprefix("tributary-").replace("-", "_") for one in _ids() if one.startswith("tributary-")}
    by_other_means = {"airbyte_client_id", "airbyte_client_secret", "airbyte_password", "sso_client_secret"}
    assert secrets == mounted | by_other_means


def test_what_nobody_needs_yet_is_there_without_a_value():
    """To a reader a secret that is missing looks like one that it may not read."""
    for values, empty in (
        ("example", {"tributary-sso-client-secret", "tributary-datadog-api-key"}),
        ("full", {"tributary-sso-client-secret"}),
    ):
        with_value = set()
        for version in plan(values).of("google_secret_manager_secret_version"):
            with_value.add(re.search(r'\["(\S+)"\]', version["__tfmeta"]["path"])[1])
        assert _ids() - with_value - {"airflow-connections-slack_default"} == empty


def test_every_connection_that_the_pipeline_looks_up_has_a_secret():
    instances = {database.cloud_sql_instance for database in load_registry().databases.values()}
    expected = {GOOGLE_CONNECTION, AIRBYTE_CONNECTION, AIRFLOW_CONNECTION, PERSONAL_DATA_CONNECTION, "slack_default"}
    expected |= {mysql_connection(instance) for instance in instances}
    assert {one.removeprefix(PREFIX) for one in _ids() if one.startswith(PREFIX)} == expected
    assert f'connections_prefix":"{PREFIX.rstrip("-")}"' in plan().local("env")["AIRFLOW__SECRETS__BACKEND_KWARGS"]


def _groups():
    """The group of every secret in `secret_generations`, by the name that its value has in secrets.tf."""
    connections = plan().local("connections")
    return {
        **{f"tributary-{name.replace('_', '-')}": group for name, group in plan().local("files").items()},
        **{f"tributary-{name.replace('_', '-')}": group for name, group in plan().local("airbyte_secrets").items()},
        **{name: group for name, group in connections.items() if not name.startswith("cloud_sql__")},
    }


def _passwords():
    """The made passwords in the value of every secret."""
    source = (TERRAFORM / "secrets.tf").read_text()
    values = source[source.index("  connection_values =") :]
    (postgres,) = re.findall(r"^  postgres = (.+)$", source, re.MULTILINE)
    found = {}
    # A value is a line, or a block that ends where it is no deeper than its name.
    for name, value in re.findall(r"^ {6}([\w-]+) += (\{\n(?:.*\n)*? {6}\}|.+)$", values, re.MULTILINE):
        found[name] = set(re.findall(r'password\["(\w+)"\]', value.replace("${local.postgres}", postgres)))
    return found


def test_what_has_the_same_password_or_works_only_together_changes_together():
    groups, passwords = _groups(), _passwords()
    assert {name for name, made in passwords.items() if made} == {name for name in groups if passwords[name]}
    assert set().union(*passwords.values()) == set(plan().local("generated"))
    together = {}
    for name, made in passwords.items():
        for password in made:
            together.setdefault(password, set()).add(groups[name])
    assert {password: found for password, found in together.items() if len(found) > 1} == {}
    # The connection has both halves of Airbyte's client.
    assert len(passwords["airbyte_default"]) == 2


def test_the_guide_names_every_group():
    page = (ROOT / "docs" / "deploy.md").read_text()
    (listed,) = re.findall(r"Groups: (.+?)\.", page)
    # Datadog's key has no local of its own; what has no value that is made has no group.
    expected = {*_groups().values(), *plan().local("connections").values(), "datadog"} - {"none"}
    assert set(re.findall(r"`(\w+)`", listed)) == expected


def test_each_secret_has_one_reader_and_airbytes_machine_reads_its_own_alone():
    readers = {}
    for grant in plan().of("google_secret_manager_secret_iam_member"):
        assert grant["role"] == "roles/secretmanager.secretAccessor"
        # The instance's key says which secret: `"tributary-fernet-key airflow"`.
        secret, account = re.search(r'\["(\S+) (\S+)"\]', grant["__tfmeta"]["path"]).groups()
        assert grant["member"].startswith(f"serviceAccount:tributary-{account}@")
        readers.setdefault(secret, []).append(account)
    assert set(readers) == _ids()
    assert {secret for secret, who in readers.items() if who == ["airbyte"]} == {
        "tributary-airbyte-client-id",
        "tributary-airbyte-client-secret",
        "tributary-airbyte-password",
    }
    assert all(who in (["airbyte"], ["airflow"]) for who in readers.values())


def test_values_are_written_and_never_stored():
    for version in plan().of("google_secret_manager_secret_version"):
        assert "secret_data" not in version
        assert version["secret_data_wo_version"] == 1
    for user in plan().of("google_sql_user"):
        assert "password" not in user
        assert user["password_wo_version"] == 1
    # A resource's result would lie in the state; an ephemeral one is forgotten when the apply ends.
    for source in TERRAFORM.rglob("*.tf"):
        assert not re.search(r'^resource "random_', source.read_text(), re.MULTILINE), source
    for variable in plan().blocks["variable"]:
        if variable.get("sensitive"):
            assert variable.get("ephemeral") is True, variable["__tfmeta"]["path"]
            assert not variable.get("default"), variable["__tfmeta"]["path"]


def test_airflow_reaches_its_database_encrypted():
    """By the variable: Airflow has two clients of PostgreSQL, and asyncpg refuses libpq's `sslmode` in an address."""
    assert plan().local("env")["PGSSLMODE"] == "require"
    assert "sslmode" not in plan().local("postgres")


def test_settings_of_the_machines_hold_no_secret():
    names = {name for name in plan().local("env") if re.search("PASSWORD|SECRET|KEY|TOKEN", name)}
    assert names == {"TRIBUTARY_SECRETS_DIR", "AIRFLOW__SECRETS__BACKEND", "AIRFLOW__SECRETS__BACKEND_KWARGS"}
