"""The provider's Airbyte hook, with a time limit for its requests that Airbyte can keep."""

from __future__ import annotations

from typing import Any

from airflow.providers.airbyte.hooks import airbyte

from tributary.hooks.patience import ANSWER_SECONDS, is_patient

# Where the connection's extra has no `timeout`. The provider's 5 s are less than Airbyte takes now and then.
REQUEST_SECONDS = 30.0


class AirbyteHook(airbyte.AirbyteHook):
    """Waits for an answer as long as the connection's extra `timeout` says, else REQUEST_SECONDS.

    Without patience, as in a trigger, for ANSWER_SECONDS.
    """

    def get_conn_params(self, conn_id: str) -> Any:
        params = super().get_conn_params(conn_id)
        if not is_patient():
            params["timeout"] = ANSWER_SECONDS
        elif params["timeout"] is None:
            params["timeout"] = REQUEST_SECONDS
        return params
