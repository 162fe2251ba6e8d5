"""The Cloud SQL Admin API for one instance, a local MariaDB server: ``python -m localcloud.sqladmin``.

Speaks ``sqladmin`` v1 and v1beta4 as far as loading dumps needs it: instances (list, get, import), databases
and operations. Requests and answers are checked against Google's discovery document, which ships with
google-api-python-client. Imports are real.

Environment: ``LOCALCLOUD_SQLADMIN_PORT``; the server behind the instance, with an administrator's account,
``LOCALCLOUD_CLOUD_SQL_HOST`` (default 127.0.0.1), ``_PORT``, ``_USER`` (default root), ``_PASSWORD``; the
instance's id ``LOCALCLOUD_CLOUD_SQL_INSTANCE`` (default staging); ``GOOGLE_CLOUD_PROJECT``;
``STORAGE_EMULATOR_HOST``; ``LOCALCLOUD_STATE_DIR`` (operations are kept in ``sqladmin.db`` below it).
"""
