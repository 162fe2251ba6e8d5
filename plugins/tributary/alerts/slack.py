"""Slack's Web API, through Airflow's provider: posts, edits, replies, and looking for what was posted."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, cast

from tributary.alerts.deliveries import Action, Delivery, Sent
from tributary.alerts.messages import worded
from tributary.alerts.slack_errors import (
    CONNECTION,
    Patience,
    SlackAway,
    SlackForgot,
    SlackMisunderstood,
    SlackRefused,
    meaning,
    refusal,
)

if TYPE_CHECKING:
    from slack_sdk import WebClient

REQUEST_SECONDS = 10
EVENT_TYPE = "tributary_alert"
# An app that is refused so may post all the same.
MAY_POST_ONLY = frozenset({"missing_scope", "not_in_channel"})
# Clocks of two machines differ; a message may so be older than its delivery.
_CLOCKS_DIFFER = 300
_PAGE, _MOST_PAGES = 200, 20

log = logging.getLogger(__name__)


class Slack:
    """One workspace.

    :param client: makes slack_sdk's client; it must not repeat requests by itself: a message would come twice.
    :param docs_url: where `docs/` can be read; see `messages.worded`.
    """

    def __init__(self, client: Callable[[], WebClient], docs_url: str = "") -> None:
        self._make = client
        self._made: WebClient | None = None
        self._docs_url = docs_url
        self._ids: dict[str, str] = {}
        self.patience = Patience()

    @classmethod
    def from_connection(cls, docs_url: str = "") -> Slack:
        """As Airflow's connection `slack_default` says."""

        def client() -> WebClient:
            from airflow.providers.slack.hooks.slack import SlackHook

            hook = SlackHook(slack_conn_id=CONNECTION, timeout=REQUEST_SECONDS, retry_handlers=[])
            return cast("WebClient", hook.client)

        return cls(client, docs_url)

    def deliver(self, delivery: Delivery) -> Sent | None:
        """Send it, or find that it is there already; None where it neither is nor needs to be.

        Raises SlackAway and SlackRefused.
        """
        if delivery.look:
            found = self._find(delivery)
            if found or not delivery.send:
                return found
        try:
            return self._sent(delivery)
        except SlackForgot as gone:
            log.warning("%s: Slack does not have its message any more (%s)", delivery.id, gone)
            return None

    def _sent(self, delivery: Delivery) -> Sent:
        message, told = worded(delivery, self._docs_url), delivery.told
        content = {"text": message.text, "blocks": message.blocks}
        arguments: dict[str, Any]
        if delivery.action is Action.update:
            method, arguments = "chat_update", {"channel": told.channel_id, "ts": told.ts}
        else:
            metadata = {"event_type": EVENT_TYPE, "event_payload": {"delivery_id": delivery.id}}
            method, arguments = "chat_postMessage", {"channel": told.channel_id or told.channel, "thread_ts": told.ts}
            arguments |= {"metadata": metadata, "unfurl_links": False, "unfurl_media": False}
        try:
            answer = self._ask(method, told.channel, {**arguments, **content})
        except SlackMisunderstood as error:
            log.error("%s: Slack refuses its blocks (%s); sent as text alone", delivery.id, error)
            answer = self._ask(method, told.channel, {**arguments, "text": message.text, "blocks": []})
        return Sent(channel_id=answer["channel"], ts=answer["ts"])

    def _find(self, delivery: Delivery) -> Sent | None:
        """The message of an earlier try; None where there is none, or where we may not look."""
        told = delivery.told
        try:
            channel_id = told.channel_id or self._channel_id(told.channel)
            for message in self._messages(channel_id, delivery):
                payload = (message.get("metadata") or {}).get("event_payload") or {}
                if payload.get("delivery_id") == delivery.id:
                    return Sent(channel_id=channel_id, ts=message["ts"], found=True)
        except SlackForgot:
            pass
        except SlackRefused as error:
            if error.code not in MAY_POST_ONLY:
                raise
            # Told twice is better than not at all.
            log.warning("%s: whether it has arrived cannot be seen, so it may come twice. %s", delivery.id, error)
        return None

    def _messages(self, channel_id: str, delivery: Delivery) -> Iterator[dict[str, Any]]:
        told = delivery.told
        arguments: dict[str, Any] = {"channel": channel_id, "limit": _PAGE, "include_all_metadata": True}
        if delivery.action is Action.reply:
            method, arguments["ts"] = "conversations_replies", told.ts
        else:
            method = "conversations_history"
            arguments["oldest"] = f"{delivery.created.timestamp() - _CLOCKS_DIFFER:.6f}"
        for page in self._pages(method, told.channel, arguments):
            yield from page["messages"]

    def _channel_id(self, channel: str) -> str:
        """Slack's id of a channel; history is not to be had by name."""
        if not channel.startswith("#"):
            return channel
        if channel not in self._ids:
            arguments = {"types": "public_channel,private_channel", "limit": 1000, "exclude_archived": True}
            for page in self._pages("conversations_list", channel, arguments):
                self._ids |= {f"#{one['name']}": one["id"] for one in page["channels"]}
        if channel not in self._ids:
            raise refusal("channel_not_found", channel)
        return self._ids[channel]

    def _pages(self, method: str, channel: str, arguments: dict[str, Any]) -> Iterator[Any]:
        cursor = None
        for _ in range(_MOST_PAGES):
            page = self._ask(method, channel, {**arguments, "cursor": cursor})
            yield page
            cursor = (page.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return

    def _ask(self, method: str, channel: str, arguments: dict[str, Any]) -> Any:
        """Slack's answer; raises SlackAway or what the answer means."""
        from slack_sdk.errors import SlackApiError, SlackClientError

        client = self._client(channel)
        try:
            return getattr(client, method)(**arguments).data
        except SlackApiError as error:
            refused = meaning(error.response, channel)
            if isinstance(refused, SlackRefused) and refused.everywhere:
                self._made = None  # the connection may have another token by the next time
            raise refused from error
        except (OSError, HTTPException, SlackClientError, ValueError) as error:
            # URLError and timeouts are OSErrors; what a proxy answers in Slack's place is no JSON.
            raise SlackAway(f"Slack cannot be reached: {type(error).__name__}") from error

    def _client(self, channel: str) -> WebClient:
        if self._made is None:
            try:
                self._made = self._make()
            except Exception as error:
                log.debug("No client for Slack", exc_info=True)
                raise refusal("no_connection", channel) from error
        return self._made
