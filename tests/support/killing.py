"""Ends a process's work between two of its requests to BigQuery."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from google.cloud import bigquery


class Killed(BaseException):
    """The process ends here, as under SIGKILL: nothing in between may handle it."""


@contextmanager
def killed_after(client: bigquery.Client, writes: int) -> Iterator[None]:
    """Raise Killed as soon as so many requests that may change something were answered, and one more was."""
    connection, left = client._connection, writes
    request = connection.api_request

    def killing(**call: Any) -> Any:
        nonlocal left
        answer = request(**call)
        if call["method"] != "GET":
            left -= 1
            if left < 0:
                raise Killed
        return answer

    connection.api_request = killing
    try:
        yield
    finally:
        connection.api_request = request
