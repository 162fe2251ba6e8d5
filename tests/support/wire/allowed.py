"""What Google's and Airbyte's own clients send though no document says so, each with its reason and source."""

from __future__ import annotations

PARAMETERS = {
    # Part of the session's address that a resumable upload is answered with, which clients take as it is.
    # https://cloud.google.com/storage/docs/performing-resumable-uploads
    ("upload", "upload_id"),
}
"""Parameters by the flow of the method that they are sent to."""

BOOLEANS = ("true", "false", "True", "False")
"""A parameter's boolean. google-cloud-bigquery and google-cloud-storage send Python's own form of some, such as
`formatOptions.useInt64Timestamp=True` in `bigquery.Client._list_rows_from_query_results`."""

FIELDS = {
    # Numbers as they are, for parameters of FLOAT64 and NUMERIC: `google.cloud.bigquery._helpers._float_to_json`,
    # `_decimal_to_json`, and the client's own tests against BigQuery.
    ("bigquery.v2", "QueryParameterValue", "value"): {"type": "any"},
}
"""Fields of requests that take more than their document says, by document and schema."""

NULL_IS_ABSENT = True
"""In a request, null says that a field is not there, or is to go: google-cloud-bigquery sends it for whatever was
set to None. "null is an accepted value for all field types": https://protobuf.dev/programming-guides/json."""

AIRBYTE = {
    # Where the client gets its token, by `airbyte_api._hooks.clientcredentials`; the form is OAuth's (RFC 6749, 4.4.2).
    ("POST", "/applications/token"),
}
"""Requests beside the published operations."""
