"""Airbyte's public API v1 with real replication MySQL -> BigQuery: ``python -m localcloud.airbyte``.

Serves ``/api/public/v1``: health, applications/token, workspaces, sources, destinations, connections,
streams and jobs, for the connectors ``source-mysql`` and ``destination-bigquery``. Bodies follow the models
that ship with Airbyte's own client, ``airbyte-api``.

Environment: ``LOCALCLOUD_AIRBYTE_PORT``; the application's credentials ``LOCALCLOUD_AIRBYTE_CLIENT_ID`` and
``LOCALCLOUD_AIRBYTE_CLIENT_SECRET``; ``LOCALCLOUD_STATE_DIR`` (everything below ``airbyte/``: the state in
``airbyte.db``, one log per job in ``logs/``); for the destination what Google's client reads:
``BIGQUERY_EMULATOR_HOST``, ``GCE_METADATA_HOST``.
"""
