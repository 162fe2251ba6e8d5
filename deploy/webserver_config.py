"""Airflow's login in a deployment ([fab] config_file). Nothing to edit: docs/security.md lists its variables."""

import os

from airflow.configuration import conf

from tributary.access.web import settings

globals().update(settings(os.environ, conf.get("api", "base_url", fallback="")))
