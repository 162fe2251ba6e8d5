"""The local Slack, asked by Slack's own client."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from slack_sdk.errors import SlackApiError

from tests.integration.alerts.conftest import Workspace
from tests.support.services import LocalCloud
from tributary.alerts.slack import Slack

METADATA = {"event_type": "tributary_alert", "event_payload": {"delivery_id": "one/post"}}
SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "*bold*"}}


def refusal(call: Any, **arguments: Any) -> str:
    with pytest.raises(SlackApiError) as error:
        call(**arguments)
    return str(error.value.response["error"])


def test_a_token_is_asked_for(workspace: Workspace) -> None:
    assert workspace.client.auth_test()["team"] == "localcloud"
    assert refusal(workspace.client_with("xoxb-another").auth_test) == "invalid_auth"
    assert httpx.post(f"{workspace.url}/api/auth.test").json() == {"ok": False, "error": "not_authed"}


def test_what_is_posted_is_in_the_history_with_its_metadata(workspace: Workspace) -> None:
    channel = workspace.channel("contract-history")
    first = workspace.client.chat_postMessage(
        channel="#contract-history", text="one", blocks=[SECTION], metadata=METADATA
    )
    second = workspace.client.chat_postMessage(channel=channel, text="two")
    assert first["channel"] == channel
    assert float(second["ts"]) > float(first["ts"])
    found = workspace.client.conversations_history(channel=channel, include_all_metadata=True)["messages"]
    assert [one["text"] for one in found] == ["two", "one"]
    assert found[1]["metadata"] == METADATA
    assert found[1]["blocks"] == [SECTION]
    bare = workspace.client.conversations_history(channel=channel)["messages"][1]
    assert bare["metadata"] == {"event_type": "tributary_alert"}


def test_history_is_limited_by_time_and_comes_in_pages(workspace: Workspace) -> None:
    channel = workspace.channel("contract-pages")
    sent = [workspace.client.chat_postMessage(channel=channel, text=str(number))["ts"] for number in range(5)]
    later = workspace.client.conversations_history(channel=channel, oldest=sent[2])["messages"]
    assert [one["text"] for one in later] == ["4", "3"]
    pages = workspace.client.conversations_history(channel=channel, limit=2)
    assert [[one["text"] for one in page["messages"]] for page in pages] == [["4", "3"], ["2", "1"], ["0"]]


def test_replies_are_in_the_thread_alone(workspace: Workspace) -> None:
    channel = workspace.channel("contract-threads")
    parent = workspace.client.chat_postMessage(channel=channel, text="parent")["ts"]
    reply = workspace.client.chat_postMessage(channel=channel, text="reply", thread_ts=parent, metadata=METADATA)["ts"]
    assert [one["text"] for one in workspace.messages(channel)] == ["parent"]
    assert workspace.messages(channel)[0]["reply_count"] == 1
    thread = workspace.client.conversations_replies(channel=channel, ts=parent, include_all_metadata=True)["messages"]
    assert [(one["ts"], one["thread_ts"]) for one in thread] == [(parent, parent), (reply, parent)]
    assert thread[1]["metadata"] == METADATA


def test_an_edit_replaces_text_and_blocks_and_keeps_metadata(workspace: Workspace) -> None:
    channel = workspace.channel("contract-edits")
    ts = workspace.client.chat_postMessage(channel=channel, text="one", blocks=[SECTION], metadata=METADATA)["ts"]
    workspace.client.chat_update(channel=channel, ts=ts, text="two")
    found = workspace.client.conversations_history(channel=channel, include_all_metadata=True)["messages"][0]
    assert (found["text"], found["blocks"], found["metadata"]) == ("two", [], METADATA)
    assert found["edited"]["ts"] > ts


def test_refusals_carry_slacks_own_codes(workspace: Workspace) -> None:
    channel = workspace.channel("contract-refusals")
    client = workspace.client
    long = {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}
    assert refusal(client.chat_postMessage, channel="#nowhere", text="x") == "channel_not_found"
    assert refusal(client.conversations_history, channel="contract-refusals") == "channel_not_found"
    assert refusal(client.chat_postMessage, channel=channel) == "no_text"
    assert refusal(client.chat_postMessage, channel=channel, text="x" * 40_001) == "msg_too_long"
    assert refusal(client.chat_postMessage, channel=channel, text="x", blocks=[long]) == "invalid_blocks"
    assert refusal(client.chat_postMessage, channel=channel, text="x", blocks=[SECTION] * 51) == "invalid_blocks"
    assert refusal(client.chat_postMessage, channel=channel, text="x", metadata={"event_type": "a b"}) == (
        "invalid_metadata_schema"
    )
    assert refusal(client.chat_update, channel=channel, ts="1.000000", text="x") == "message_not_found"
    assert refusal(client.conversations_replies, channel=channel, ts="1.000000") == "thread_not_found"
    assert refusal(client.conversations_create, name="contract-refusals") == "name_taken"
    assert refusal(client.api_call, api_method="chat.delete") == "unknown_method"


def test_forms_are_read_as_json_is(workspace: Workspace) -> None:
    channel = workspace.channel("contract-forms")
    data = {"channel": channel, "text": "as a form", "blocks": json.dumps([SECTION])}
    ts = workspace.client.api_call("chat.postMessage", data=data)["ts"]
    assert [(one["ts"], one["blocks"]) for one in workspace.messages(channel)] == [(ts, [SECTION])]


def test_faults_are_served_as_ordered(workspace: Workspace) -> None:
    channel = workspace.channel("contract-faults")
    workspace.fault("http", status=429, seconds=7)
    with pytest.raises(SlackApiError) as error:
        workspace.client.chat_postMessage(channel=channel, text="x")
    assert error.value.response.headers["Retry-After"] == "7"
    workspace.fault("error", code="internal_error")
    assert refusal(workspace.client.chat_postMessage, channel=channel, text="x") == "internal_error"
    workspace.fault("lost_answer", path="chat.postMessage")
    with pytest.raises(SlackApiError):
        workspace.client.chat_postMessage(channel=channel, text="arrived")
    assert [one["text"] for one in workspace.messages(channel)] == ["arrived"]


def test_messages_survive_a_kill(workspace: Workspace, cloud: LocalCloud) -> None:
    channel = workspace.channel("contract-kill")
    workspace.client.chat_postMessage(channel=channel, text="before")
    cloud.crash("slack")
    workspace.client.chat_postMessage(channel=channel, text="after")
    assert [one["text"] for one in workspace.messages(channel)] == ["before", "after"]


def test_the_watchs_client_repeats_nothing_by_itself_and_waits_ten_seconds(slack: Slack) -> None:
    client = slack._client("#data-alerts")
    assert (client.retry_handlers, client.timeout) == ([], 10)
