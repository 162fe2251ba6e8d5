"""The environment variables of this checkout's processes: the only thing that differs from a deployment."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path
from typing import Any
from urllib.parse import quote

from stack import postgres
from stack.state import LOCAL, ROOT, State

PROJECT = "tributary-local"
BUCKET = f"{PROJECT}-dumps"
ADMIN = "admin"
LINEAGE = LOCAL / "lineage" / "events.jsonl"


def executable(env: str, name: str) -> str:
    """A program of one of the Python environments."""
    return str(LOCAL / "envs" / env / "bin" / name)


def build(state: State) -> dict[str, str]:
    """Every variable that the processes and the `tributary` command need, by name."""
    return {**_cloud(state), **_tributary(state), **_airflow(state)}


def write(variables: dict[str, str], path: Path = LOCAL / "env") -> None:
    """Write the variables as a file that a shell can source, readable by its owner alone."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.writelines(f"{name}={shlex.quote(value)}\n" for name, value in sorted(variables.items()))


def _url(state: State, service: str) -> str:
    return f"http://127.0.0.1:{state.ports[service]}"


def _cloud(state: State) -> dict[str, str]:
    """What Google's libraries read, and what the local services need."""
    ports, passwords = state.ports, state.secrets
    metadata = f"127.0.0.1:{ports['metadata']}"
    return {
        "GOOGLE_CLOUD_PROJECT": PROJECT,
        "GCE_METADATA_HOST": metadata,
        "GCE_METADATA_IP": metadata,
        "STORAGE_EMULATOR_HOST": _url(state, "storage"),
        "BIGQUERY_EMULATOR_HOST": _url(state, "bigquery"),
        "LOCALCLOUD_STATE_DIR": str(LOCAL / "cloud"),
        "LOCALCLOUD_METADATA_PORT": str(ports["metadata"]),
        "LOCALCLOUD_STORAGE_PORT": str(ports["storage"]),
        "LOCALCLOUD_BIGQUERY_PORT": str(ports["bigquery"]),
        "LOCALCLOUD_BIGQUERY_GRPC_PORT": str(ports["bigquery_grpc"]),
        "LOCALCLOUD_SQLADMIN_PORT": str(ports["sqladmin"]),
        "LOCALCLOUD_AIRBYTE_PORT": str(ports["airbyte"]),
        "LOCALCLOUD_DOGSTATSD_PORT": str(ports["dogstatsd"]),
        "LOCALCLOUD_AIRBYTE_CLIENT_ID": "tributary",
        "LOCALCLOUD_AIRBYTE_CLIENT_SECRET": passwords["airbyte_client"],
        "LOCALCLOUD_SLACK_PORT": str(ports["slack"]),
        "LOCALCLOUD_SLACK_TOKEN": passwords["slack_token"],
        "LOCALCLOUD_CLOUD_SQL_INSTANCE": "staging",
        "LOCALCLOUD_CLOUD_SQL_HOST": "127.0.0.1",
        "LOCALCLOUD_CLOUD_SQL_PORT": str(ports["cloud_sql"]),
        "LOCALCLOUD_CLOUD_SQL_USER": "root",
        "LOCALCLOUD_CLOUD_SQL_PASSWORD": passwords["cloud_sql"],
        "LOCALCLOUD_PRODUCTION_HOST": "127.0.0.1",
        "LOCALCLOUD_PRODUCTION_PORT": str(ports["production"]),
        "LOCALCLOUD_PRODUCTION_USER": "root",
        "LOCALCLOUD_PRODUCTION_PASSWORD": passwords["production"],
    }


def _tributary(state: State) -> dict[str, str]:
    """Tributary's own settings; a deployment sets the same ones (docs/configuration.md)."""
    return {
        "TRIBUTARY_DUMPS_BUCKET": BUCKET,
        "TRIBUTARY_LOCATION": "US",
        "TRIBUTARY_PERSONAL_POLICY_TAG": f"projects/{PROJECT}/locations/us/taxonomies/1/policyTags/1",
        "TRIBUTARY_DBT_EXECUTABLE": executable("dbt", "dbt"),
        "TRIBUTARY_POLL_SECONDS": "3",
        "TRIBUTARY_CLOCK_FILE": str(LOCAL / "cloud" / "clock"),
        "TRIBUTARY_AIRFLOW_URL": _url(state, "airflow"),
        "TRIBUTARY_AIRFLOW_USER": ADMIN,
        "TRIBUTARY_AIRFLOW_PASSWORD": state.secrets["airflow_admin"],
        "DD_AGENT_HOST": "127.0.0.1",
        "DD_DOGSTATSD_PORT": str(state.ports["dogstatsd"]),
        "DD_SERVICE": "tributary",
        "DD_ENV": "local",
    }


def lineage(file: Path) -> dict[str, Any]:
    """OpenLineage's part of Airflow's configuration (docs/lineage.md), with the events in a file, a line for each."""
    transport = {
        "type": "transform",
        "transformer_class": "tributary.telemetry.lineage_reduction.Reduced",
        "transport": {"type": "file", "log_file_path": str(file), "append": True},
    }
    writers = {
        "dag_id": r"elt__.*|consolidate",
        "task_id": r"import_dump|sync|transform\.dbt_producer_watcher|publish",
    }
    policy = [
        {"scope": {}, "controls": {"emit": False, "hook_lineage": False, "include_source_code": False}},
        {"scope": writers, "match_mode": "regex", "controls": {"emit_task_events": True}},
    ]
    return {
        "OPENLINEAGE__NAMESPACE": "tributary",
        "OPENLINEAGE__TRANSPORT": json.dumps(transport),
        "OPENLINEAGE__EMISSION_POLICY": json.dumps(policy),
        # Beside the task instead of in a process of its own, and never long (s).
        "OPENLINEAGE__EXECUTE_IN_THREAD": True,
        "OPENLINEAGE__EXECUTION_TIMEOUT": 10,
        # Every task without events would say so, twice.
        "LOGGING__NAMESPACE_LEVELS": "airflow.providers.openlineage=WARNING openlineage=WARNING",
    }


def _airflow(state: State) -> dict[str, str]:
    """Airflow's configuration and connections."""
    ports, passwords = state.ports, state.secrets
    home = LOCAL / "airflow"
    settings = {
        "CORE__DAGS_FOLDER": ROOT / "dags",
        "CORE__PLUGINS_FOLDER": ROOT / "plugins",
        "CORE__EXECUTOR": "LocalExecutor",
        "CORE__PARALLELISM": 8,
        "CORE__LOAD_EXAMPLES": False,
        # As Airflow has it; where nothing says so, it looks through all sources of settings for each stored field.
        "CORE__MAX_TEMPLATED_FIELD_LENGTH": 4096,
        "CORE__DAGS_ARE_PAUSED_AT_CREATION": False,
        "CORE__FERNET_KEY": passwords["fernet"],
        "CORE__SIMPLE_AUTH_MANAGER_USERS": f"{ADMIN}:admin",
        "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": home / "passwords.json",
        "CORE__EXECUTION_API_SERVER_URL": f"{_url(state, 'airflow')}/execution/",
        "API__HOST": "127.0.0.1",
        "API__PORT": ports["airflow"],
        "API__BASE_URL": _url(state, "airflow"),
        "API__SECRET_KEY": passwords["airflow_api"],
        "API__WORKERS": 1,
        "API_AUTH__JWT_SECRET": passwords["airflow_jwt"],
        "DATABASE__SQL_ALCHEMY_CONN": (
            f"postgresql+psycopg2://{postgres.USER}:{passwords['airflow_db']}"
            f"@127.0.0.1:{ports['airflow_db']}/{postgres.DATABASE}"
        ),
        # The stack has migrated before it starts them; each of Airflow's four processes would read all migrations.
        "DATABASE__CHECK_MIGRATIONS": False,
        # Simulated days have their own calendar: the real clock starts no run, people and commands do.
        "SCHEDULER__USE_JOB_SCHEDULE": False,
        # A worker may notice the end of its task only at its next heartbeat. With Airflow's 5 s a task
        # that defers is queued again before, and the scheduler then takes the late news for a failure.
        "WORKERS__MIN_HEARTBEAT_INTERVAL": 1,
        # How long it sleeps (s) where it has nothing to do; what ends meanwhile waits so long for what follows.
        "SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": 0.25,
        # A scheduler that was killed takes its tasks along; its successor looks for them only this often (s).
        "SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": 60,
        "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": 120,
        "DAG_PROCESSOR__REFRESH_INTERVAL": 10,
        "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": 30,
        "DAG_PROCESSOR__DAG_VERSION_INFLATION_CHECK_LEVEL": "error",
        "LOGGING__BASE_LOG_FOLDER": home / "logs",
        "LOGGING__TRIGGER_LOG_SERVER_PORT": ports["trigger_log"],
        "LOGGING__WORKER_LOG_SERVER_PORT": ports["worker_log"],
        **lineage(LINEAGE),
        "USAGE_DATA_COLLECTION__ENABLED": False,
        "COSMOS__ENABLE_TELEMETRY": False,
        "COSMOS__ENABLE_WATCHER_RELIABLE_RETRY": False,  # deploy/airflow.cfg says why
        "COSMOS__CACHE_DIR": LOCAL / "cosmos",
        "COSMOS__DBT_DOCS_PROJECTS": json.dumps(
            {"tributary": {"dir": str(ROOT / "include/dbt/target"), "index": "static_index.html", "name": "dbt docs"}}
        ),
    }
    connections = {
        "GOOGLE_CLOUD_DEFAULT": {
            "conn_type": "google_cloud_platform",
            "extra": {"project": PROJECT, "sqladmin_api_endpoint": _url(state, "sqladmin"), "num_retries": 3},
        },
        "CLOUD_SQL__STAGING": {
            "conn_type": "mysql",
            "host": "127.0.0.1",
            "port": ports["cloud_sql"],
            "login": "root",
            "password": passwords["cloud_sql"],
        },
        "AIRFLOW_API": {
            "conn_type": "http",
            "host": _url(state, "airflow"),
            "login": ADMIN,
            "password": passwords["airflow_admin"],
        },
        "AIRBYTE_DEFAULT": {
            "conn_type": "airbyte",
            "host": f"{_url(state, 'airbyte')}/api/public/v1/",
            "login": "tributary",
            "password": passwords["airbyte_client"],
            "schema": quote("v1/applications/token", safe="/"),
            "extra": {"timeout": 30},
        },
        "SLACK_DEFAULT": {
            "conn_type": "slack",
            "password": passwords["slack_token"],
            "extra": {"base_url": f"{_url(state, 'slack')}/api/"},
        },
        "PERSONAL_DATA": {"conn_type": "generic", "password": passwords["personal_data"]},
    }
    return {
        "AIRFLOW_HOME": str(home),
        "TRIBUTARY_AIRFLOW_DB_PORT": str(ports["airflow_db"]),
        "TRIBUTARY_AIRFLOW_DB_PASSWORD": passwords["airflow_db"],
        "PYTHONPATH": os.pathsep.join((str(ROOT / "plugins"), str(ROOT))),
        "TMPDIR": str(LOCAL / "tmp"),
        "GX_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        # Empty means: do write bytecode. Every task is a process; compiling again costs it seconds.
        "PYTHONDONTWRITEBYTECODE": "",
        # A process that dies of a signal says in its log where each of its threads was.
        "PYTHONFAULTHANDLER": "1",
        **{f"AIRFLOW__{name}": str(value) for name, value in settings.items()},
        **{f"AIRFLOW_CONN_{name}": json.dumps(value) for name, value in connections.items()},
    }
