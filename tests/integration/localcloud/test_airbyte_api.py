"""Airbyte's public API, asked by Airbyte's own client."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from airbyte_api.errors import SDKError

from tests.integration.localcloud.clients import Airbyte, MySQL
from tests.support.services import LocalCloud


def refused(call: Callable[[], Any]) -> tuple[int, str]:
    """The status and message with which *call* is refused."""
    with pytest.raises(SDKError) as error:
        call()
    answer = error.value.raw_response
    assert answer.headers["Content-Type"] == "application/problem+json"
    return answer.status_code, answer.json()["data"].get("message", "")


@pytest.fixture
def shop(mysql: MySQL) -> str:
    """A source database of one table and one view."""
    name = mysql.fresh("shop")
    mysql.run(
        "create table orders (id int, line int, note text, primary key (line, id))",
        "create view notes as select note from orders",
    )
    return name


def test_health_needs_no_token(airbyte: Airbyte) -> None:
    assert airbyte.api.health.get_health_check().status_code == 200


def test_a_wrong_secret_gets_no_token(cloud: LocalCloud) -> None:
    with pytest.raises(Exception, match="401"):
        _ = Airbyte(cloud, secret="wrong").workspace


@pytest.mark.parametrize("header", [None, "Bearer", "Bearer 99999999999.forged", "Bearer 5.x", "Basic dGVzdHM6eA=="])
def test_a_request_without_a_valid_token_is_refused(airbyte: Airbyte, header: str | None) -> None:
    headers = {"Authorization": header} if header else {}

    assert httpx.get(f"{airbyte.url}/api/public/v1/workspaces", headers=headers, timeout=5).status_code == 401


def test_a_token_is_given_for_json_and_for_a_form(cloud: LocalCloud, airbyte: Airbyte) -> None:
    url = f"{airbyte.url}/api/public/v1/applications/token"
    credentials = {"client_id": "tests", "client_secret": cloud.password, "grant_type": "client_credentials"}

    for answer in (
        httpx.post(url, json=credentials, timeout=5),
        httpx.post(url, data=credentials, timeout=5),
    ):
        headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        assert httpx.get(f"{airbyte.url}/api/public/v1/workspaces", headers=headers, timeout=5).status_code == 200


def test_a_source_never_shows_its_password(cloud: LocalCloud, airbyte: Airbyte, shop: str) -> None:
    source = airbyte.source(shop)
    read = airbyte.api.sources.get_source(request={"sourceId": source.source_id})

    assert read.source_response.configuration.password == "**********"
    assert cloud.password not in read.raw_response.text


def test_a_patched_source_keeps_what_was_not_sent(airbyte: Airbyte, shop: str) -> None:
    source = airbyte.source("elsewhere")
    request = {"database": shop, "password": "**********"}
    url = f"{airbyte.url}/api/public/v1/sources/{source.source_id}"
    read = airbyte.api.sources.get_source(request={"sourceId": source.source_id})
    token = read.raw_response.request.headers["Authorization"]

    patched = httpx.patch(url, json={"configuration": request}, headers={"Authorization": token}, timeout=5)

    assert patched.json()["configuration"]["database"] == shop
    streams = airbyte.api.streams.get_stream_properties(request={"sourceId": source.source_id})
    assert [stream.stream_name for stream in streams.stream_properties_response] == ["notes", "orders"]


def test_streams_are_discovered(airbyte: Airbyte, shop: str) -> None:
    source = airbyte.source(shop)
    answer = airbyte.api.streams.get_stream_properties(request={"sourceId": source.source_id})
    notes, orders = answer.stream_properties_response

    assert orders.property_fields == [["id"], ["line"], ["note"]]
    assert orders.source_defined_primary_key == [["line"], ["id"]]
    assert orders.streamnamespace == shop
    assert "incremental_deduped_history" in orders.sync_modes
    assert "incremental_deduped_history" not in notes.sync_modes


def test_a_connection_moves_every_stream_by_default(airbyte: Airbyte, shop: str) -> None:
    id = airbyte.connection(shop, name="tributary__shop")
    connection = airbyte.api.connections.get_connection(request={"connectionId": id}).connection_response

    assert connection.name == "tributary__shop"
    assert {stream.name: stream.sync_mode for stream in connection.configurations.streams} == {
        "notes": "full_refresh_overwrite",
        "orders": "full_refresh_overwrite",
    }


@pytest.mark.parametrize(
    ("stream", "message"),
    [
        ({"name": "customers"}, "Invalid stream found: customers"),
        (
            {"name": "orders", "syncMode": "incremental_append"},
            "No cursor field specified for stream: orders",
        ),
        (
            {"name": "orders", "syncMode": "incremental_soft_delete"},
            "Cannot set sync mode to incremental_soft_delete",
        ),
        (
            {"name": "orders", "selectedFields": [{"fieldPath": ["colour"]}]},
            "Invalid field colour of stream orders",
        ),
        (
            {"name": "notes", "syncMode": "full_refresh_overwrite_deduped"},
            "No primary key specified for stream: notes",
        ),
        ({"syncMode": "full_refresh_append"}, "configurations.streams.0.name: Field required"),
    ],
    ids=["stream", "cursor", "mode", "field", "key", "model"],
)
def test_a_stream_that_cannot_be_moved_is_refused(
    airbyte: Airbyte, shop: str, stream: dict[str, Any], message: str
) -> None:
    known = airbyte.connection(shop)
    token = airbyte.api.connections.get_connection(request={"connectionId": known}).raw_response.request.headers
    url = f"{airbyte.url}/api/public/v1/connections/{known}"

    answer = httpx.patch(
        url,
        json={"configurations": {"streams": [stream]}},
        headers={"Authorization": token["Authorization"]},
        timeout=5,
    )

    assert answer.status_code == 400
    assert message in answer.json()["data"]["message"]


def test_a_connection_is_patched_and_deleted(airbyte: Airbyte, shop: str) -> None:
    id = airbyte.connection(shop)
    connections = airbyte.api.connections

    connections.patch_connection(
        request={"connection_id": id, "connection_patch_request": {"name": "renamed", "status": "inactive"}}
    )
    patched = connections.get_connection(request={"connectionId": id}).connection_response
    assert (patched.name, patched.status, len(patched.configurations.streams)) == ("renamed", "inactive", 2)
    assert refused(lambda: airbyte.start(id)) == (409, "The connection is inactive.")

    connections.delete_connection(request={"connectionId": id})
    assert refused(lambda: connections.get_connection(request={"connectionId": id}))[0] == 404


def test_deleting_a_source_deletes_its_connections(airbyte: Airbyte, shop: str) -> None:
    id = airbyte.connection(shop)
    connections = airbyte.api.connections
    source = connections.get_connection(request={"connectionId": id}).connection_response.source_id

    airbyte.api.sources.delete_source(request={"sourceId": source})

    assert refused(lambda: connections.get_connection(request={"connectionId": id}))[0] == 404


def test_lists_come_in_pages(airbyte: Airbyte, shop: str) -> None:
    first, second = airbyte.source(shop).source_id, airbyte.source(shop).source_id
    seen: list[str] = []
    offset = 0
    while True:
        answer = airbyte.api.sources.list_sources(request={"limit": 2, "offset": offset}).sources_response
        seen += [source.source_id for source in answer.data]
        if not answer.next:
            break
        offset += 2

    assert seen[-2:] == [first, second]
    assert len(seen) == len(set(seen))


@pytest.mark.parametrize(
    ("configuration", "message"),
    [
        ({"sourceType": "mysql", "host": "h", "username": "u"}, "configuration.database: Field required"),
        ({"sourceType": "faker"}, "configuration.sourceType: only 'mysql' is served here"),
    ],
)
def test_a_source_that_airbyte_refuses_is_refused(
    airbyte: Airbyte, configuration: dict[str, Any], message: str
) -> None:
    answer = airbyte.api.workspaces.list_workspaces(request={})
    token = answer.raw_response.request.headers["Authorization"]
    body = {"name": "s", "workspaceId": airbyte.workspace, "configuration": configuration}

    created = httpx.post(
        f"{airbyte.url}/api/public/v1/sources", json=body, headers={"Authorization": token}, timeout=10
    )

    assert created.status_code == 400
    assert message in created.json()["data"]["message"]


def test_an_unreachable_source_is_named_and_its_password_is_not(cloud: LocalCloud, airbyte: Airbyte) -> None:
    source = airbyte.source("shop", port=1)

    status, message = refused(lambda: airbyte.api.streams.get_stream_properties(request={"sourceId": source.source_id}))

    assert status == 400
    assert message.startswith("Could not connect to the source database")
    assert cloud.password not in message
