"""The cloud's own APIs on one machine, for development and the demo. Never for production.

Each module is one service, started with ``python -m localcloud.<name>`` and configured by environment
variables (see ``localcloud/README.md``):

``metadata``   GCE metadata server: keyless credentials
``storage``    Cloud Storage (gcp-storage-emulator)
``bigquery``   BigQuery (bqemulator)
``mysql``      a MariaDB server: ``production`` or ``cloud_sql``
``sqladmin``   Cloud SQL Admin API, runs real imports into ``cloud_sql``
``airbyte``    Airbyte's public API, runs real replication MySQL -> BigQuery

Nothing under ``plugins/`` or ``dags/`` imports this package: what talks to these services talks to the
originals in the same way.
"""
