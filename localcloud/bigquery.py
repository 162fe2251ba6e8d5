"""BigQuery's REST and gRPC APIs over DuckDB: ``python -m localcloud.bigquery`` starts bqemulator.

A thin wrapper that keeps everything below the state directory and off the network: the emulator's HOME
(where DuckDB looks for extensions), its data, its upload files, and DuckDB's ``spatial`` extension, which the
emulator insists on and which comes from the installed package ``duckdb-extension-spatial``.

Environment: ``LOCALCLOUD_BIGQUERY_PORT`` (REST), ``LOCALCLOUD_BIGQUERY_GRPC_PORT``,
``LOCALCLOUD_STATE_DIR``, ``GOOGLE_CLOUD_PROJECT``, and optionally ``LOCALCLOUD_BIGQUERY_TIME_TRAVEL_DAYS``,
default 0: no ``for system_time as of``. (BigQuery has 7 days of it. The emulator serves it by copying a whole
table at every change, which doubles the time of every write and fills the disk.)
"""

from __future__ import annotations

import os
from typing import Any

from localcloud.settings import HOST, number, state_dir, text


def install_spatial() -> None:
    """Install DuckDB's spatial extension into $HOME/.duckdb from its package, unless it is there."""
    import duckdb
    import duckdb_extensions

    with duckdb.connect() as connection:
        row = connection.execute(
            "select installed from duckdb_extensions() where extension_name = 'spatial'"
        ).fetchone()
        if not (row and row[0]):
            duckdb_extensions.import_extension("spatial", con=connection)


def keep_no_history() -> None:
    """Make the emulator copy a table for ``create snapshot table`` only, no longer at every change."""
    from bqemulator.versioning.snapshots import SnapshotManager

    capture = SnapshotManager.capture

    def capture_on_request(manager: Any, *table: str, kind: str = "AUTO") -> Any:
        return capture(manager, *table, kind=kind) if kind == "USER" else None

    SnapshotManager.capture = capture_on_request  # type: ignore[assignment, method-assign]


def keep_exchanges() -> None:
    """Let the emulator write down what it is asked and answers, faults too, where the environment says so."""
    from bqemulator import server

    from localcloud import recording

    create_app = server.create_app

    def create_recorded_app(context: Any) -> Any:
        app = create_app(context)
        recording.install(app, "bigquery")
        return app

    server.create_app = create_recorded_app


def main() -> None:
    """Run the emulator until SIGTERM or SIGINT."""
    root = state_dir("bigquery")
    os.environ["HOME"] = str(state_dir("bigquery", "home"))
    # The temporary files of DuckDB and of uploads stay below the state directory, too.
    os.environ["TMPDIR"] = str(state_dir("bigquery", "tmp"))
    install_spatial()

    from bqemulator.config import LogFormat, LogLevel, PersistenceMode, Settings
    from bqemulator.observability.logging_ import configure_logging

    # Before the server's modules are imported: they log while they are.
    configure_logging(level=LogLevel.WARNING, fmt=LogFormat.CONSOLE)
    from bqemulator.server import run_forever

    from localcloud import (
        bigquery_exports,
        bigquery_faults,
        bigquery_jobs,
        bqemulator_answers,
        bqemulator_fixes,
        bqemulator_speed,
    )

    bqemulator_fixes.apply()
    bqemulator_speed.apply()
    bigquery_faults.apply()
    keep_exchanges()
    bigquery_jobs.apply()
    bqemulator_answers.apply()
    exports = state_dir("bigquery", "exports")
    bigquery_exports.apply(exports)
    history_days = number("LOCALCLOUD_BIGQUERY_TIME_TRAVEL_DAYS", 0)
    if history_days == 0:
        keep_no_history()
    run_forever(
        Settings(
            rest_host=HOST,
            rest_port=number("LOCALCLOUD_BIGQUERY_PORT"),
            grpc_host=HOST,
            grpc_port=number("LOCALCLOUD_BIGQUERY_GRPC_PORT"),
            persistence_mode=PersistenceMode.PERSISTENT,
            data_dir=root,
            upload_staging_dir=root / "tmp",
            gcs_local_root=exports,
            default_project_id=text("GOOGLE_CLOUD_PROJECT"),
            # Avro needs a second extension, which the emulator would try to download.
            enable_format_extensions=False,
            time_travel_retention_days=history_days,
            log_level=LogLevel.WARNING,
            log_format=LogFormat.CONSOLE,
        )
    )


if __name__ == "__main__":
    main()
