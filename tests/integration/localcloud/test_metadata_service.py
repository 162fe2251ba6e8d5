"""The metadata server, asked by google-auth."""

from __future__ import annotations

import google.auth
import google.auth.transport.requests
import httpx
import pytest
from google.auth import compute_engine

from tests.support.services import LocalCloud

FLAVOR = {"Metadata-Flavor": "Google"}


def url(cloud: LocalCloud, path: str) -> str:
    return f"http://127.0.0.1:{cloud.ports['metadata']}{path}"


def test_application_default_credentials_need_no_key(cloud: LocalCloud) -> None:
    credentials, project = google.auth.default()
    credentials.refresh(google.auth.transport.requests.Request())

    assert isinstance(credentials, compute_engine.Credentials)
    assert project == cloud.project
    assert credentials.valid
    assert credentials.service_account_email.endswith(".svc.id.goog")


def test_a_token_expires_in_an_hour(cloud: LocalCloud) -> None:
    answer = httpx.get(
        url(cloud, "/computeMetadata/v1/instance/service-accounts/default/token"), headers=FLAVOR, timeout=5
    )

    assert answer.json().keys() == {"access_token", "expires_in", "token_type"}
    assert answer.json()["expires_in"] == 3600
    assert answer.headers["Metadata-Flavor"] == "Google"


@pytest.mark.parametrize("path", ["/computeMetadata/v1/project/project-id", "/computeMetadata/v1/instance/zone"])
def test_a_request_without_the_header_is_refused(cloud: LocalCloud, path: str) -> None:
    assert httpx.get(url(cloud, path), timeout=5).status_code == 403
    assert httpx.get(url(cloud, path), headers=FLAVOR, timeout=5).status_code == 200


def test_the_ping_needs_no_header(cloud: LocalCloud) -> None:
    answer = httpx.get(url(cloud, "/"), timeout=5)

    assert (answer.status_code, answer.headers["Metadata-Flavor"]) == (200, "Google")


def test_an_unknown_account_is_not_found(cloud: LocalCloud) -> None:
    path = "/computeMetadata/v1/instance/service-accounts/nobody@example.com/token"

    assert httpx.get(url(cloud, path), headers=FLAVOR, timeout=5).status_code == 404
